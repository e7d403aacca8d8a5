//! `shakedown schema`.

use super::output;
use crate::error::Result;
use crate::outcome::Outcome;
use crate::{report, spec};

/// Print the JSON Schema of experiments or of reports.
///
/// Draft 2020-12, for editors and for other programs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown schema > experiment.schema.json
          shakedown schema report
An editor uses it where a file begins with: # yaml-language-server: $schema=experiment.schema.json")]
pub(super) struct Args {
    /// Of what.
    #[arg(value_enum, default_value_t)]
    of: Document,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Document {
    /// An experiment file, as JSON.
    #[default]
    Experiment,
    /// The report of `--format json`.
    Report,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        match self.of {
            Document::Experiment => output::json(&spec::schema())?,
            Document::Report => output::json(&report::json::schema())?,
        }
        Ok(Outcome::Held)
    }
}
