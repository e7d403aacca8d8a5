//! `shakedown status`.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::plan::Format;
use super::{orphans, output};
use crate::agent::{History, Runs, manual};
use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Show runs that are going on, and what is left of those that died.
///
/// With the faults they have in effect, and how each would be undone by hand. What dead runs left
/// is undone first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: shakedown status --format json")]
pub(super) struct Args {
    /// Also list runs that ended and left nothing.
    #[arg(long)]
    all: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A run as shown.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    run: String,
    title: String,
    state: &'static str,
    began: jiff::Timestamp,
    acts: Vec<ShownAct>,
}

/// An act that is not undone yet.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownAct {
    act: u32,
    what: String,
    class: crate::act::Class,
    by_hand: Vec<String>,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let runs = Runs::locate()?;
        let undone = orphans::undo(&runs);
        let mut shown = Vec::new();
        for (run, history) in runs.unclosed()? {
            let history = history.map_err(|error| Error::new(Outcome::Residue, error))?;
            let state = if orphans::is_alive(&history) { "running" } else { "left behind" };
            shown.push(show(run, &history, state));
        }
        if self.all {
            shown.extend(ended(&runs, &shown)?);
        }
        match self.format {
            Format::Json => output::json(&shown)?,
            Format::Human if shown.is_empty() => {
                output::result("no run is going on, and nothing is left behind\n");
            }
            Format::Human => shown.iter().for_each(print),
        }
        undone.map(|()| Outcome::Held)
    }
}

fn show(run: String, history: &History, state: &'static str) -> Shown {
    let acts = history.open().into_iter().map(|(id, entry)| ShownAct {
        act: id.0,
        what: entry.undo.describe(&entry.site),
        class: entry.class,
        by_hand: manual(&entry.undo, &entry.observed),
    });
    let header = history.header();
    Shown { run, title: header.title.clone(), state, began: header.at, acts: acts.collect() }
}

fn ended(runs: &Runs, shown: &[Shown]) -> Result<Vec<Shown>> {
    let names = runs.names()?.into_iter().filter(|name| shown.iter().all(|one| one.run != *name));
    let histories = names.filter_map(|name| {
        let history = crate::agent::read_history(&runs.folder(&name)).ok()?;
        Some(show(name, &history, "ended"))
    });
    Ok(histories.collect())
}

fn print(shown: &Shown) {
    let clean = crate::target::printable;
    output::result(format_args!("{}  {}  {}\n", shown.run, shown.state, clean(&shown.title)));
    if shown.acts.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "ACT", "WHAT", "CLASS", "BY HAND"]);
    for act in &shown.acts {
        let class = format!("{} {}", act.class, act.class.word());
        table.add_row([
            String::new(),
            act.act.to_string(),
            clean(&act.what),
            class,
            clean(&act.by_hand.join("; ")),
        ]);
    }
    output::result(format_args!("{table}\n"));
}
