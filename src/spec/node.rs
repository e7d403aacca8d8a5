//! The file as a tree, between YAML and the typed experiment.

use indexmap::IndexMap;
use serde_json::{Number, Value};

/// A value of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `null`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A plain decimal number.
    Number(Number),
    /// Text.
    Text(String),
    /// Text that a variable gave: it becomes a number or a boolean where one is expected.
    Given(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(IndexMap<String, Node>),
}

impl Node {
    /// The value of a key, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The keys with their values, if this is a map.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let map = match self {
            Self::Map(map) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// The value a scalar stands for if it is written plainly: a number, a boolean, else text.
    pub(super) fn from_scalar(text: &str) -> Self {
        match text {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => number(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number),
        }
    }
}

/// A plain decimal number; `None` for `0o17`, `1_000`, `1e3`, `+5`, `.5` and what is not finite.
pub(super) fn number(text: &str) -> Option<Number> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
    let value = plain.then(|| serde_json::from_str(text).ok())??;
    match value {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_numbers_are_numbers() {
        for good in ["0", "5", "-5", "2.50", "18446744073709551615"] {
            assert!(number(good).is_some(), "{good}");
        }
        for bad in
            ["0o17", "0x1f", "017", "1_000", "1e3", "+5", ".5", "5.", "22:22", "", "-", "--1"]
        {
            assert!(number(bad).is_none(), "{bad}");
        }
    }
}
