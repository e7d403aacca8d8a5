//! The faults with their parameters, for people: read off the schema, so that there is one source.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Terms, able, bounds, lower};
use crate::act::{Class, SiteRef};
use crate::spec::{Engine, MethodStep, schema};

/// A fault of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FaultEntry {
    /// Its name in a file.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// How its undo is guaranteed, the weakest case first; `X` is not undone.
    pub classes: Vec<Class>,
    /// What can carry it out, the best first; empty for faults that need no engine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineEntry>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// A step of a method that uses it.
    pub example: &'static str,
}

/// An engine that can carry a fault out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct EngineEntry {
    /// Its name in a file.
    pub name: Engine,
    /// How an undo is guaranteed with it.
    pub class: Class,
    /// How exact it is, in words.
    pub bounds: &'static str,
}

impl EngineEntry {
    /// An engine with all that is to be said of it.
    #[must_use]
    pub const fn of(name: Engine) -> Self {
        Self { name, class: Class::of_engine(name), bounds: bounds(name) }
    }
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
    /// The parameter, itself not required, with which it must be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_with: Option<String>,
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
        engines: engines(example).iter().copied().map(EngineEntry::of).collect(),
        parameters: parameters(schema, content, ""),
        example,
    })
}

/// What can carry out the fault of a step.
fn engines(example: &str) -> &'static [Engine] {
    let step = || {
        let steps: Value = serde_yaml::from_str(example).ok()?;
        let step: MethodStep = serde_json::from_value(steps.get(0)?.clone()).ok()?;
        Some((step.fault?, step.duration))
    };
    let Some((fault, duration)) = step() else { return &[] };
    let terms = Terms { duration, ..Terms::default() };
    let acts = lower(&fault, &SiteRef::Host, &terms).unwrap_or_default();
    acts.first().map_or(&[], able)
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
            let mut inner = parameters(schema, form, &format!("{prefix}{name}."));
            if !required(name) {
                let with = format!("{prefix}{name}");
                for parameter in inner.iter_mut().filter(|parameter| parameter.required) {
                    parameter.required = false;
                    parameter.required_with = Some(with.clone());
                }
            }
            list.extend(inner);
            continue;
        }
        list.push(Parameter {
            name: format!("{prefix}{name}"),
            takes: takes(schema, form),
            default: property.get("default").map(shown),
            required: required(name),
            required_with: None,
            description: text(property, "description"),
        });
    }
    list
}

/// What may stand there, in words.
fn takes(schema: &Value, form: &Value) -> String {
    if form.get("type").is_some_and(|kind| kind == "array") {
        let Some(items) = form.get("items") else { return "a list".to_owned() };
        let items = follow(schema, items);
        if items.get("properties").is_some() {
            return "a list; each with the fields of `peers`".to_owned();
        }
        return format!("a list; each {}", takes(schema, items));
    }
    let choices = form.get("oneOf").or_else(|| form.get("enum")).and_then(Value::as_array);
    if let Some(choices) = choices {
        return choices.iter().flat_map(words).collect::<Vec<_>>().join(", ");
    }
    match form.pointer("/anyOf/0/type").and_then(Value::as_str) {
        Some("boolean") => return "`true` or `false`".to_owned(),
        Some("integer") => return "a whole number".to_owned(),
        _ => {}
    }
    match text(form, "description") {
        words if form.get("anyOf").is_some() && !words.is_empty() => words,
        _ => "text".to_owned(),
    }
}

/// A choice in words: its name, the names of several, or the key before what belongs to it.
fn words(choice: &Value) -> Vec<String> {
    let word = |choice: &Value| choice.as_str().map(|word| format!("`{word}`"));
    let key = choice.pointer("/required/0").and_then(Value::as_str);
    match choice.get("enum").and_then(Value::as_array) {
        Some(names) => names.iter().filter_map(word).collect(),
        None if key.is_some() => key.map(|key| format!("`{{ {key}: … }}`")).into_iter().collect(),
        None => word(choice.get("const").unwrap_or(choice)).into_iter().collect(),
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
        if !self.engines.is_empty() {
            text.push_str("\nengines, the first that works here is taken\n");
        }
        for EngineEntry { name, class, bounds } in &self.engines {
            let _ = writeln!(text, "  {name} (class {class}): {bounds}");
        }
        if !self.parameters.is_empty() {
            text.push_str("\nparameters\n");
        }
        for parameter in &self.parameters {
            let default = match (&parameter.required_with, &parameter.default) {
                (Some(with), _) => format!("required with `{with}`"),
                _ if parameter.required => "required".to_owned(),
                (None, Some(default)) => format!("default: {default}"),
                (None, None) => "optional".to_owned(),
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
            &[Class::G, Class::K],
            "- name: cut-off\n  target: { service: payment }\n  fault: { network-partition: { direction: to, peers: { ports: [5432] } } }\n  for: 30s\n",
        ),
        "network-latency" => (
            &[Class::G, Class::K],
            "- name: slow\n  target: { service: payment }\n  fault: { network-latency: { delay: 250ms, jitter: 50ms } }\n  for: 30s\n",
        ),
        "network-loss" => (
            &[Class::G, Class::K],
            "- name: lossy\n  target: { service: payment }\n  fault: { network-loss: { percent: 10% } }\n  for: 30s\n",
        ),
        "network-duplication" => (
            &[Class::G, Class::K],
            "- name: twice\n  target: { service: payment }\n  fault: { network-duplication: { percent: 5% } }\n  for: 30s\n",
        ),
        "network-corruption" => (
            &[Class::G, Class::K],
            "- name: noisy\n  target: { service: payment }\n  fault: { network-corruption: { percent: 1% } }\n  for: 30s\n",
        ),
        "network-reordering" => (
            &[Class::G, Class::K],
            "- name: shuffled\n  target: { service: payment }\n  fault: { network-reordering: { percent: 25%, delay: 10ms } }\n  for: 30s\n",
        ),
        "network-rate" => (
            &[Class::G, Class::K],
            "- name: narrow\n  target: { service: payment }\n  fault: { network-rate: { rate: 1Mbit/s } }\n  for: 30s\n",
        ),
        "connection-reset" => (
            &[Class::X, Class::K],
            "- name: cut\n  target: { service: payment }\n  fault: { connection-reset: { new: refuse, peers: { remote-ports: [5432] } } }\n  for: 10s\n",
        ),
        "dns-failure" => (
            &[Class::K],
            "- name: nameless\n  target: { service: payment }\n  fault: { dns-failure: { mode: servfail, names: [\"*.example.com\"] } }\n  for: 30s\n",
        ),
        "http-fault" => (
            &[Class::K],
            "- name: failing\n  target: { service: payment }\n  fault:\n    http-fault:\n      ports: [8080]\n      match: { methods: [POST], paths: [\"/orders/*\"] }\n      percent: 50%\n      delay: 200ms\n      answer: { status: 503, body: overloaded }\n  for: 30s\n",
        ),
        "tcp-proxy" => (
            &[Class::K],
            "- name: trickle\n  target: { service: payment }\n  fault: { tcp-proxy: { ports: [5432], bandwidth: { rate: 10kB/s }, latency: { delay: 100ms } } }\n  for: 30s\n",
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
            "network-loss",
            "network-duplication",
            "network-corruption",
            "network-reordering",
            "network-rate",
            "connection-reset",
            "dns-failure",
            "http-fault",
            "tcp-proxy",
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
        insta::assert_snapshot!(entry.render(), @r"
        network-partition
          Cuts a target off from its peers.
          class: G (guarded) or K (kernel-held)

        engines, the first that works here is taken
          nft (class K): in the kernel; exact, packet by packet

        parameters
          between: `{ pair: … }`, `{ isolate: … }`, `halves`, `majorities-ring`, `{ bridge: … }`, `{ links: … }`, `isolate`, `bridge` (optional)
              Which of the targets do not hear which others; excludes `peers`.
          direction: `from`, `to`, `both` (optional)
              Which way, seen from the target, or, of a partition between nodes, from the first of each two: both by default.
          engine: `netem`, `queue`, `nft`, `tbf`, `iptables` (optional)
              What does it; by default the best that this kernel has, found by trying.
          except: a list; each with the fields of `peers` (optional)
              Packets left alone although they match: those that one of these entries describes.
          interfaces: a list; each text (optional)
              Only on these interfaces; by default on every one but `lo`.
          mode: `drop`, `reset`, `icmp` (default: drop)
              What the other side sees.
          peers.addresses: a list; each an address or network, such as `10.0.0.0/8` (optional)
              Addresses and networks, IPv4 and IPv6.
          peers.hosts: a list; each text (optional)
              Host names, resolved where the target lives, all their addresses, followed while the fault lasts.
          peers.local-ports: a list; each a port or a range such as `8000-8080` (optional)
              TCP and UDP ports of the target.
          peers.ports: a list; each a port or a range such as `8000-8080` (optional)
              TCP and UDP ports of the peer, or of the target for what it serves.
          peers.protocols: a list; each `tcp`, `udp`, `icmp`, `sctp` (optional)
              Protocols.
          peers.remote-ports: a list; each a port or a range such as `8000-8080` (optional)
              TCP and UDP ports of the peer.
          peers.services: a list; each text (optional)
              Services of this experiment with a network of their own.

        example
          - name: cut-off
            target: { service: payment }
            fault: { network-partition: { direction: to, peers: { ports: [5432] } } }
            for: 30s
        ");
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
