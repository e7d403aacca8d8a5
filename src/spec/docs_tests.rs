//! Every YAML block of the documentation of the format is read: whole experiments as they are,
//! parts inside an experiment that has the rest.

use super::schema;
use super::tests::read_with;

const DOCS: &str = include_str!("../../docs/experiment-format.md");

/// What a part is completed with, one section for each key of the root.
const REST: [(&str, &str); 5] = [
    ("version", "version: 1\n"),
    ("title", "title: A part of the documentation\n"),
    ("services", "services: { db: { command: [db], network: own } }\n"),
    (
        "hypothesis",
        "hypothesis: { title: it is up, probes: [{ name: up, tcp: { address: \"127.0.0.1:1\" } }] }\n",
    ),
    ("method", "method: [{ target: { service: db }, fault: process-pause, for: 1s }]\n"),
];

fn blocks() -> Vec<&'static str> {
    DOCS.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

fn completed(block: &str) -> String {
    let has = |key: &str| block.lines().any(|line| line.starts_with(&format!("{key}:")));
    let missing = REST.iter().filter(|(key, _)| !has(key)).map(|(_, section)| *section);
    missing.chain([block]).collect()
}

#[test]
fn every_block_is_read_and_fits_the_schema() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    assert!(blocks().len() > 10);
    for block in blocks() {
        let text = completed(block);
        if let Err(mistakes) = read_with(&text, &[]) {
            panic!("{mistakes}\n\n{text}");
        }
        let json: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&json)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{text}");
    }
}

#[test]
fn every_field_of_the_format_is_explained() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for definition in definitions {
        for name in definition["properties"].as_object().into_iter().flatten().map(|(name, _)| name)
        {
            assert!(DOCS.contains(name.as_str()), "`{name}` is not in docs/experiment-format.md");
        }
    }
}
