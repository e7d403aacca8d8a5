//! Answers against what is expected of them.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::{Reading, Surroundings};
use crate::spec::BodyExpectation;

/// Whether a text is as expected; else what is wrong with it. `what` is how the text is called.
pub(super) fn check_text(
    what: &str,
    text: &str,
    expectation: &BodyExpectation,
    surroundings: &Surroundings,
) -> Result<(), String> {
    let wrong = match expectation {
        BodyExpectation::Equals(whole) if text == whole => return Ok(()),
        BodyExpectation::Contains(part) if text.contains(part.as_str()) => return Ok(()),
        BodyExpectation::Matches(pattern) if pattern.is_match(text) => return Ok(()),
        BodyExpectation::Equals(whole) => {
            format!("does not equal {:?}", surroundings.excerpt(whole))
        }
        BodyExpectation::Contains(part) => {
            format!("does not contain {:?}", surroundings.excerpt(part))
        }
        BodyExpectation::Matches(pattern) => format!("does not match `{pattern}`"),
    };
    Err(format!("the {what} {wrong}; it is {:?}", surroundings.excerpt(text)))
}

/// A JSON document's one value, and what it must equal.
#[derive(Debug)]
pub(super) struct JsonCheck {
    path: JsonPath,
    equals: Option<Value>,
}

impl JsonCheck {
    /// Fails if the path is none.
    pub(super) fn new(path: &str, equals: Option<Value>) -> Result<Self, String> {
        let path =
            JsonPath::parse(path).map_err(|error| format!("`{path}` is no JSON path: {error}"))?;
        Ok(Self { path, equals })
    }

    /// What a document comes to. A number without `equals` becomes the value.
    pub(super) fn check(&self, document: &[u8], surroundings: &Surroundings) -> Reading {
        let document: Value = match serde_json::from_slice(document) {
            Ok(document) => document,
            Err(error) => return Reading::violated(format!("the body is no JSON: {error}")),
        };
        let path = &self.path;
        let found = path.query(&document).all();
        let [found] = found.as_slice() else {
            return Reading::violated(format!("`{path}` finds {} values, not one", found.len()));
        };
        match &self.equals {
            Some(equals) if !same(found, equals) => {
                let found = surroundings.excerpt(&found.to_string());
                Reading::violated(format!("`{path}` is {found}, not {equals}"))
            }
            Some(_) => Reading::ok(),
            None => {
                found.as_f64().map_or_else(Reading::ok, |value| Reading::ok().with_value(value))
            }
        }
    }
}

/// Equal as JSON has it: `1` and `1.0` are one number.
fn same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        #[expect(clippy::float_cmp, reason = "`equals` asks for exactly that")]
        (Some(found_number), Some(number)) => found == expected || found_number == number,
        _ => found == expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, equals: Option<Value>, document: &str) -> Reading {
        JsonCheck::new(path, equals)
            .expect("a path")
            .check(document.as_bytes(), &Surroundings::default())
    }

    #[test]
    fn a_path_must_find_exactly_one_value() {
        let document = r#"{ "up": true, "queue": [3, 4], "rate": 1e3, "n": 1 }"#;
        let lines = [
            check("$.up", Some(Value::Bool(true)), document),
            check("$.up", Some(Value::Bool(false)), document),
            check("$.rate", None, document),
            check("$.n", Some(serde_json::json!(1.0)), document),
            check("$.none", None, document),
            check("$.queue[*]", None, document),
            check("$.n", None, r#"{ "n": 1e999 }"#),
            check("$.n", None, ""),
        ]
        .map(|reading| {
            format!(
                "{:?} {:?} {}",
                reading.outcome,
                reading.value,
                reading.detail.unwrap_or_default()
            )
        });
        insta::assert_snapshot!(lines.join("\n"), @"
        Ok None 
        Violated None `$.up` is true, not false
        Ok Some(1000.0) 
        Ok None 
        Violated None `$.none` finds 0 values, not one
        Violated None `$.queue[*]` finds 2 values, not one
        Violated None the body is no JSON: number out of range at line 1 column 12
        Violated None the body is no JSON: EOF while parsing a value at line 1 column 0
        ");
    }

    #[test]
    fn texts_say_what_is_wrong() {
        let long = "x".repeat(200);
        let expectations = [
            (BodyExpectation::Equals("up".to_owned()), "down"),
            (BodyExpectation::Contains("ok".to_owned()), long.as_str()),
            (BodyExpectation::Matches("^v[0-9]".parse().expect("a pattern")), "version"),
        ];
        let lines = expectations.map(|(expectation, text)| {
            check_text("body", text, &expectation, &Surroundings::default()).expect_err("wrong")
        });
        insta::assert_snapshot!(lines.join("\n"), @r#"
        the body does not equal "up"; it is "down"
        the body does not contain "ok"; it is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
        the body does not match `^v[0-9]`; it is "version"
        "#);
    }
}
