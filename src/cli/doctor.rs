//! `shakedown doctor`.

use std::ffi::OsStr;

use super::output;
use super::plan::Format;
use crate::agent::Runs;
use crate::doctor::{State, examine, human};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::sys::trial::Stand;

/// Show what this host lets you do, and how to mend what it does not.
///
/// Found out by trying, on children, groups, files and networks of its own. Each gap is shown with
/// the faults it affects, what happens instead, and how to mend it. Exit code 4 if something is
/// missing that every run needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: shakedown doctor
          sudo shakedown doctor --format json | jq '.[] | select(.state != \"ok\")'")]
pub(super) struct Args {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        // An agent without a controller does nothing but wait for one.
        let stand = Stand { program: OsStr::new("/proc/self/exe"), arguments: &["agent"] };
        let checks = examine(&Runs::locate()?, stand);
        match self.format {
            Format::Human => output::result(human(&checks, output::width())),
            Format::Json => output::json(&checks)?,
        }
        match checks.iter().find(|check| check.state == State::Missing) {
            None => Ok(Outcome::Held),
            Some(check) => {
                let error = Error::not_injected(format_args!("{}: {}", check.name, check.found));
                Err(error.hint(check.remedy.unwrap_or_default()))
            }
        }
    }
}
