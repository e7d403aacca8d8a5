//! `shakedown plan`.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::loading::{self, Given};
use super::{candidates, orphans, output};
use crate::agent::Runs;
use crate::error::Result;
use crate::outcome::Outcome;
use crate::plan;
use crate::report::Style;

/// Show what a run would do: targets, acts, undos, blast radius.
///
/// On this host as it is now: which targets, which acts, how each is undone and how surely, and
/// who else would feel it. Nothing is touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: shakedown plan experiments/quickstart.yaml")]
pub(super) struct Args {
    /// The experiment files; `-` for standard input.
    #[arg(required = true, value_name = "FILE", add = candidates::experiments())]
    files: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How to print what is no report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let runs = Runs::locate()?;
        orphans::undo(&runs)?;
        let seed = self.given.seed();
        for file in &self.files {
            let loaded = loading::load(file, &self.given, seed, None)?;
            print(&loaded.plan, self.format)?;
        }
        Ok(Outcome::Held)
    }
}

/// The room of the terminal, if the result goes to one.
fn width() -> Option<u16> {
    let stdout = std::io::stdout();
    stdout.is_terminal().then(|| u16::try_from(Style::of(&stdout).size.columns).ok())?
}

/// Prints a plan as the result of a command.
pub(super) fn print(plan: &plan::Plan, format: Format) -> Result<()> {
    let hash = plan.hash().map_err(anyhow::Error::from)?;
    match format {
        Format::Human => output::result(plan::human(plan, &hash, width())),
        Format::Json => output::result(plan::json(plan, &hash).map_err(anyhow::Error::from)?),
    }
    Ok(())
}
