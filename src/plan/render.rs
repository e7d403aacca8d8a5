//! The plan as people and programs read it.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{Entry, Plan, PlannedAct, PlannedStep};
use crate::spec::quantity::Duration;
use crate::target::printable;

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
    let _ = write!(text, "\nMethod\n{}\n", method(plan, width));
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
            let classes = step.acts.iter().map(|planned| planned.act.class());
            let acts = value.get_mut("acts").and_then(Value::as_array_mut);
            for (act, class) in acts.into_iter().flatten().zip(classes) {
                if let Value::Object(fields) = act {
                    fields.insert("class".to_owned(), json!(class));
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
        let address = start.address.map_or_else(|| "the host's".to_owned(), |it| it.to_string());
        table.add_row([start.name.clone(), printable(&start.command.join(" ")), address]);
    }
    table.trim_fmt()
}

fn method(plan: &Plan, width: Option<u16>) -> String {
    let header = ["#", "STEP", "FAULT", "TARGET", "AFTER", "FOR", "UNDO", "CLASS"];
    let mut table = table(&header, width);
    for entry in &plan.entries {
        if let Some(wait) = entry.wait {
            let row = ["", "wait", "", "", "", &wait.to_string(), "", ""];
            table.add_row(row.map(str::to_owned));
        }
        for (step, planned) in rows(entry) {
            table.add_row(row(step, planned));
        }
    }
    table.trim_fmt()
}

fn rows(entry: &Entry) -> impl Iterator<Item = (&PlannedStep, &PlannedAct)> {
    entry.steps.iter().flat_map(|step| step.acts.iter().map(move |planned| (step, planned)))
}

fn row(step: &PlannedStep, planned: &PlannedAct) -> [String; 8] {
    let class = planned.act.class();
    let optional = |duration: Option<Duration>| duration.map(|it| it.to_string());
    let lasts = match (optional(step.duration), step.every) {
        (Some(duration), Some(every)) => format!("{duration}, every {every}"),
        (duration, _) => duration.unwrap_or_else(|| "at once".to_owned()),
    };
    [
        step.step.to_string(),
        printable(&step.name),
        step.fault.clone(),
        planned.act.site().to_string(),
        optional(step.delay).unwrap_or_default(),
        lasts,
        printable(&planned.undo),
        format!("{class} {}", class.word()),
    ]
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
