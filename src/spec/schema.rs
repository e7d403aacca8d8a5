//! The format as a JSON Schema, for editors and for other programs. It is made of the types, so
//! it cannot differ from what is read.

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Value, json};

use super::node::Node;
use super::{Between, Experiment, Fault};

/// The JSON Schema (draft 2020-12) of an experiment file. Quantities also take text that holds
/// `${…}`, since only the reader knows the variables; a bare name stands for a fault without
/// parameters; `null` stands for nothing anywhere.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Experiment>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "A shakedown experiment".into());
        if let Some(version) = root.get_mut("properties").and_then(|all| all.get_mut("version")) {
            *version = json!({ "const": 1, "description": "The version of the format; 1." });
        }
    }
    refine(&mut schema);
    if let Some(fault) = schema.pointer_mut("/$defs/Fault") {
        accept_bare_names::<Fault>(fault, "A fault with the defaults of all its parameters.");
    }
    if let Some(between) = schema.pointer_mut("/$defs/Between") {
        accept_bare_names::<Between>(between, "A shape with any of the nodes.");
    }
    schema
}

/// Goes through all schemas: refuses `null`, and lets references stand for scalars.
fn refine(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(refine);
            refuse_null(schema);
            accept_references(schema);
        }
        Value::Array(items) => items.iter_mut().for_each(refine),
        _ => {}
    }
}

/// An optional field is left out, not `null`.
fn refuse_null(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = map.get_mut("anyOf") else { return };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        map.remove("anyOf");
        map.extend(only);
    }
}

/// Where a number or text in a certain form is wanted, text with `${…}` may give it.
fn accept_references(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    let is =
        |value: &Value, kinds: &[&str]| value.as_str().is_some_and(|kind| kinds.contains(&kind));
    let scalar = map.get("type").is_some_and(|kind| match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is(kind, &["number"])),
        kind => {
            is(kind, &["integer", "number", "boolean"])
                || (is(kind, &["string"]) && map.contains_key("pattern"))
        }
    });
    if !scalar {
        return;
    }
    let (notes, form): (Vec<_>, Vec<_>) = std::mem::take(map)
        .into_iter()
        .partition(|(key, _)| matches!(key.as_str(), "description" | "default"));
    map.extend(notes);
    let form: serde_json::Map<_, _> = form.into_iter().collect();
    map.insert("anyOf".to_owned(), json!([form, { "type": "string", "pattern": r"\$\{" }]));
}

/// A choice of which all fields have defaults may be written as its name.
fn accept_bare_names<T: for<'de> Deserialize<'de>>(choice: &mut Value, description: &str) {
    let Some(Value::Array(choices)) = choice.get_mut("oneOf") else { return };
    let names: Vec<Value> = choices
        .iter()
        .filter_map(|choice| choice.pointer("/required/0"))
        .filter(|name| {
            let bare = Node::Text(name.as_str().unwrap_or_default().to_owned());
            T::deserialize(&bare).is_ok()
        })
        .cloned()
        .collect();
    choices.push(json!({ "enum": names, "description": description }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::GOOD;

    fn json(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn the_schema_takes_good_files_and_refuses_bad_ones() {
        let validator = jsonschema::draft202012::new(&schema()).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&json(GOOD))
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0]);
        for (piece, by) in [
            ("delay: 250ms", "delay: \"${base}\""),
            ("fault: process-pause", "fault: { process-pause: {} }"),
            ("fault: process-pause", "fault: { process-pause: { method: freezer } }"),
            ("jitter: 50ms", "correlation: 5%"),
        ] {
            assert!(validator.is_valid(&json(&GOOD.replace(piece, by))), "{by}");
        }
        for (piece, by) in [
            ("delay: 250ms", "dely: 250ms"),
            ("delay: 250ms", "delay: 250"),
            ("delay: 250ms", "delay: null"),
            ("fault: process-pause", "fault: process-puase"),
            ("fault: process-pause", "fault: network-latency"),
            ("version: 1", "version: 2"),
            ("at-least: 99%", "at-least: 99"),
            ("network: own", "network: other"),
        ] {
            assert!(!validator.is_valid(&json(&GOOD.replace(piece, by))), "{by}");
        }
    }

    #[test]
    fn the_schema_is_of_its_draft() {
        assert!(jsonschema::meta::is_valid(&schema()));
        assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
