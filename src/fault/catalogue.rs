//! The faults with their parameters, for people: read off the schema, so that there is one source.

use std::fmt::Write as _;

use serde_json::Value;

use crate::act::Class;
use crate::spec::schema;

/// A fault of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FaultEntry {
    /// Its name in a file.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// How its undo is guaranteed, the weakest case first; `X` is not undone.
    pub classes: Vec<Class>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// A step of a method that uses it.
    pub example: &'static str,
}

/// A parameter of a fault.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Parameter {
    /// Its name in a file; parts of a group are written `group.part`.
    pub name: String,
    /// What may stand there.
    pub takes: String,
    /// What it is when it is left out; `None` if it must be given or is optional.
    pub default: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub description: String,
}

/// Every fault, in the order of the types.
#[must_use]
pub fn catalogue() -> Vec<FaultEntry> {
    let schema = schema();
    let choices = schema.pointer("/$defs/Fault/oneOf").and_then(Value::as_array);
    choices.into_iter().flatten().filter_map(|choice| entry(&schema, choice)).collect()
}

fn entry(schema: &Value, choice: &Value) -> Option<FaultEntry> {
    let name = choice.pointer("/required/0")?.as_str()?;
    let content = follow(schema, choice.get("properties")?.get(name)?);
    let (classes, example) = nature(name)?;
    Some(FaultEntry {
        name: name.to_owned(),
        summary: text(choice, "description"),
        classes: classes.to_vec(),
        parameters: parameters(schema, content, ""),
        example,
    })
}

fn parameters(schema: &Value, content: &Value, prefix: &str) -> Vec<Parameter> {
    let required = |name: &str| {
        let names = content.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let properties = content.get("properties").and_then(Value::as_object);
    let mut list = Vec::new();
    for (name, property) in properties.into_iter().flatten() {
        let form = follow(schema, property);
        if form.get("properties").is_some() {
            list.extend(parameters(schema, form, &format!("{prefix}{name}.")));
            continue;
        }
        list.push(Parameter {
            name: format!("{prefix}{name}"),
            takes: takes(schema, form),
            default: property.get("default").map(shown),
            required: required(name),
            description: text(property, "description"),
        });
    }
    list
}

/// What may stand there, in words.
fn takes(schema: &Value, form: &Value) -> String {
    if form.get("type").is_some_and(|kind| kind == "array") {
        let items = form.get("items").map(|items| takes(schema, follow(schema, items)));
        return format!("a list; each {}", items.unwrap_or_default());
    }
    let choices = form.get("oneOf").or_else(|| form.get("enum")).and_then(Value::as_array);
    if let Some(choices) = choices {
        let word = |choice: &Value| {
            choice.get("const").unwrap_or(choice).as_str().map(|word| format!("`{word}`"))
        };
        return choices.iter().filter_map(word).collect::<Vec<_>>().join(", ");
    }
    match text(form, "description") {
        words if form.get("anyOf").is_some() && !words.is_empty() => words,
        _ => "text".to_owned(),
    }
}

fn follow<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let target = property.get("$ref").and_then(Value::as_str);
    target.and_then(|target| schema.pointer(target.trim_start_matches('#'))).unwrap_or(property)
}

fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "any".to_owned(),
        other => other.to_string(),
    }
}

impl FaultEntry {
    /// The entry as text, for a terminal.
    #[must_use]
    pub fn render(&self) -> String {
        let classes: Vec<String> =
            self.classes.iter().map(|class| format!("{class} ({})", class.word())).collect();
        let mut text =
            format!("{}\n  {}\n  class: {}\n", self.name, self.summary, classes.join(" or "));
        if !self.parameters.is_empty() {
            text.push_str("\nparameters\n");
        }
        for parameter in &self.parameters {
            let default = match (&parameter.default, parameter.required) {
                (_, true) => "required".to_owned(),
                (Some(default), _) => format!("default: {default}"),
                (None, false) => "optional".to_owned(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "  {}: {} ({default})\n      {}",
                parameter.name, parameter.takes, parameter.description
            );
        }
        text.push_str("\nexample\n");
        for line in self.example.lines() {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

/// What the schema cannot say: the classes and an example.
fn nature(name: &str) -> Option<(&'static [Class], &'static str)> {
    let nature: (&[Class], &str) = match name {
        "process-kill" => (
            &[Class::X],
            "- name: crash\n  target: { service: worker }\n  fault: { process-kill: { signal: KILL } }\n",
        ),
        "process-pause" => (
            &[Class::G, Class::K],
            "- name: freeze\n  target: { process: { name: nginx } }\n  fault: process-pause\n  for: 10s\n",
        ),
        "process-restart" => (
            &[Class::G],
            "- name: restart\n  target: { service: worker }\n  fault: { process-restart: { down: 3s } }\n",
        ),
        "cpu-stress" => (
            &[Class::K],
            "- name: busy\n  target: { service: worker }\n  fault: { cpu-stress: { cores: all, load: 80% } }\n  for: 30s\n",
        ),
        "disk-fill" => (
            &[Class::K],
            "- name: full-disk\n  target: { service: worker }\n  fault: { disk-fill: { path: \"${run.dir}\", leave-free: 10MiB } }\n  for: 30s\n",
        ),
        "network-partition" => (
            &[Class::K],
            "- name: cut-off\n  target: { service: payment }\n  fault: { network-partition: { direction: to, peers: { ports: [5432] } } }\n  for: 30s\n",
        ),
        "network-latency" => (
            &[Class::G],
            "- name: slow\n  target: { service: payment }\n  fault: { network-latency: { delay: 250ms, jitter: 50ms } }\n  for: 30s\n",
        ),
        _ => return None,
    };
    Some(nature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::{GOOD, read};

    #[test]
    fn every_fault_has_an_example_that_uses_it() {
        let names: Vec<String> = catalogue().iter().map(|entry| entry.name.clone()).collect();
        let all = [
            "process-kill",
            "process-pause",
            "process-restart",
            "cpu-stress",
            "disk-fill",
            "network-partition",
            "network-latency",
        ];
        assert_eq!(names, all);
        let before = GOOD.split_once("method:").unwrap().0;
        for entry in catalogue() {
            let experiment = read(&format!("{before}method:\n{}", entry.example)).unwrap();
            let fault = experiment.method[0].fault.as_ref().unwrap();
            let written = serde_json::to_value(fault).unwrap();
            assert!(written.get(&entry.name).is_some(), "{written}");
            assert!(!entry.summary.is_empty());
        }
    }

    #[test]
    fn an_entry_reads_well() {
        let entries = catalogue();
        let entry = entries.iter().find(|entry| entry.name == "network-partition").unwrap();
        insta::assert_snapshot!(entry.render(), @r#"
        network-partition
          Drops the packets of a target that has a network namespace of its own.
          class: K (kernel-held)

        parameters
          direction: `from`, `to`, `both` (default: both)
              Which way, seen from the target.
          mode: `drop` (default: drop)
              What the other side sees.
          peers.addresses: a list; each an address or network, such as `10.0.0.0/8` (optional)
              Addresses and networks, IPv4 and IPv6.
          peers.ports: a list; each a port or a range such as `8000-8080` (optional)
              TCP and UDP ports of the peer, or of the target for what it serves.
          peers.services: a list; each text (optional)
              Services of this experiment with a network of their own.

        example
          - name: cut-off
            target: { service: payment }
            fault: { network-partition: { direction: to, peers: { ports: [5432] } } }
            for: 30s
        "#);
        let entry = entries.iter().find(|entry| entry.name == "process-kill").unwrap();
        insta::assert_snapshot!(entry.render(), @r#"
        process-kill
          Sends a signal that ends the process. Class X: not undone, a service comes back by its restart policy.
          class: X (irreversible)

        parameters
          every: a duration with its unit, such as `250ms` or `1m30s` (optional)
              Repeats as long as the step lasts, against whatever the selector's services run then.
          kill-after: a duration with its unit, such as `250ms` or `1m30s` (optional)
              Sends SIGKILL to what still lives this long after the signal.
          signal: the name of a signal, such as `TERM` (default: KILL)
              The signal.

        example
          - name: crash
            target: { service: worker }
            fault: { process-kill: { signal: KILL } }
        "#);
    }
}
