//! `shakedown report`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;

use super::candidates;
use crate::agent::{Runs, read_history};
use crate::error::{Error, Result};
use crate::event::{Event, What};
use crate::outcome::Outcome;
use crate::report::{Format, Style, Summary, render};

/// Report a run again, in any format.
///
/// From what it wrote down; also a run that was killed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: shakedown report --format junit > shakedown.xml")]
pub(super) struct Args {
    /// The run; by default the last one.
    #[arg(value_name = "RUN", add = candidates::runs())]
    run: Option<String>,
    /// How to print it: human, json or junit.
    #[arg(long, default_value = "human", value_parser = |text: &str| text.parse::<Format>())]
    format: Format,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let runs = Runs::locate()?;
        let names = runs.names()?;
        let run = match self.run {
            Some(run) if names.contains(&run) => run,
            Some(run) => {
                return Err(Error::usage(format_args!("there is no run {run}"))
                    .hint("`shakedown status --all` lists them"));
            }
            None => {
                names.last().cloned().ok_or_else(|| Error::usage("there is no run to report"))?
            }
        };
        let path = runs.folder(&run).join("events.jsonl");
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut summary = Summary::from_lines(BufReader::new(file))?;
        if summary.end.is_none() {
            add_journal(&mut summary, &runs.folder(&run));
        }
        let mut out = anstream::stdout().lock();
        // A closed pipe means that nobody reads: no error.
        let _ = render(self.format, Style::of(&std::io::stdout()), &summary, &mut out);
        Ok(Outcome::Held)
    }
}

/// What was undone after the run's own end, by its agent or a later command, is in its journal.
fn add_journal(summary: &mut Summary, folder: &Path) {
    let Ok(history) = read_history(folder) else { return };
    let (at, elapsed) = (history.header().at, summary.last);
    let undone = history.acts().filter_map(|(act, entry)| {
        let reverted = entry.reverted.clone()?;
        Some(What::Undone { act, reverted })
    });
    let checked = history.is_closed().then(|| What::ResidueChecked { residue: Vec::new() });
    for what in undone.chain(checked) {
        summary.observe(&Event { at, elapsed, what });
    }
}
