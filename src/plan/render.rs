//! The plan as people and programs read it.

mod method;

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value, json};

use super::Plan;
use crate::act::Act;
use crate::fault;
use crate::spec::quantity::Duration;
use crate::target::printable;

/// What happens on `lo`, where there is only one interface for both ends.
const LOOPBACK: &str = "both ends are here: a question and its answer both meet the fault, and with \
     `direction: both` each of them twice";
/// So many items of a list are named; the JSON has all of them.
const NAMED: usize = 8;

/// The plan as text, wrapped to `width` columns where that is given. Safe to print.
#[must_use]
pub fn human(plan: &Plan, hash: &str, width: Option<u16>) -> String {
    let mut text = format!("{}\n", printable(&plan.title));
    let environment = plan.environment.as_deref().map(printable);
    let longest = Duration::from_secs(plan.longest().as_secs());
    let facts = [
        ("environment", environment),
        ("hypothesis", Some(printable(&plan.hypothesis.title))),
        ("seed", Some(plan.seed.to_string())),
        ("plan", Some(hash.to_owned())),
        ("takes at most", Some(longest.to_string())),
    ];
    for (name, value) in facts {
        line(&mut text, name, value.as_deref());
    }
    if !plan.services.is_empty() {
        let _ = write!(text, "\nServices\n{}\n", services(plan, width));
    }
    let _ = write!(text, "\nMethod\n{}", method::method(&plan.entries, width));
    for step in plan.entries.iter().flat_map(|entry| &entry.steps) {
        if let Some(matrix) = &step.matrix {
            let (step, name) = (step.step, printable(&step.name));
            let _ = write!(text, "\nWho hears whom in step {step}, {name}\n{}\n", matrix.table());
        }
    }
    let _ = write!(text, "\nBlast radius\n{}", radius(plan));
    text
}

/// The plan for programs: all of it, with its hash, its longest duration and the class of each act.
pub fn json(plan: &Plan, hash: &str) -> serde_json::Result<Value> {
    let mut entries = Vec::new();
    for entry in &plan.entries {
        let mut steps = Vec::new();
        for step in &entry.steps {
            let mut value = serde_json::to_value(step)?;
            let acts = value.get_mut("acts").and_then(Value::as_array_mut);
            for (value, planned) in acts.into_iter().flatten().zip(&step.acts) {
                if let Value::Object(fields) = value {
                    fields.extend(nature(&planned.act));
                }
            }
            steps.push(value);
        }
        entries.push(json!({ "wait": entry.wait, "steps": steps }));
    }
    let mut value = serde_json::to_value(plan)?;
    if let Value::Object(fields) = &mut value {
        fields.insert("entries".to_owned(), Value::Array(entries));
        fields.insert("hash".to_owned(), json!(hash));
        fields.insert("longest".to_owned(), json!(Duration::from(plan.longest())));
    }
    Ok(value)
}

/// What follows from an act.
fn nature(act: &Act) -> Map<String, Value> {
    let engine = fault::engine(act);
    let fields = [
        ("class", Some(json!(act.class()))),
        ("packets", fault::packets(act).map(Value::String)),
        ("engine", engine.map(|engine| json!(engine))),
        ("bounds", engine.map(|engine| json!(fault::bounds(engine)))),
    ];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}

/// A named value on a line of its own; nothing for none. Writing to a string cannot fail.
fn line(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = writeln!(text, "  {name:<14} {value}");
    }
}

fn table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
}

fn services(plan: &Plan, width: Option<u16>) -> String {
    let mut table = table(&["NAME", "COMMAND", "ADDRESS"], width);
    for (start, _) in &plan.services {
        let addresses: Vec<String> = start.addresses.iter().map(ToString::to_string).collect();
        let address =
            if addresses.is_empty() { "the host's".to_owned() } else { addresses.join(" ") };
        table.add_row([start.name.clone(), printable(&start.command.join(" ")), address]);
    }
    table.trim_fmt()
}

fn radius(plan: &Plan) -> String {
    let radius = &plan.radius;
    let mounts: Vec<String> =
        radius.file_systems.iter().map(|point| point.display().to_string()).collect();
    let lists = [
        ("targets", &radius.targets),
        ("bystanders", &radius.bystanders),
        ("shared", &radius.shared),
        ("file systems", &mounts),
        ("listening", &radius.listening),
        ("connections", &radius.flows),
    ];
    let mut text = String::new();
    for (name, items) in lists {
        line(&mut text, name, Some(&listed(items)));
    }
    if !radius.left_alone.is_empty() {
        line(&mut text, "left alone", Some(&listed(&radius.left_alone)));
    }
    if radius.loopback {
        line(&mut text, "on lo", Some(LOOPBACK));
    }
    text
}

/// The number of items, and the first of them by name.
fn listed(items: &[String]) -> String {
    let named: Vec<String> = items.iter().take(NAMED).map(|item| printable(item)).collect();
    match items.len() {
        0 => "none".to_owned(),
        count if count > NAMED => {
            format!("{count}: {}, and {} more", named.join(", "), count - NAMED)
        }
        count => format!("{count}: {}", named.join(", ")),
    }
}
