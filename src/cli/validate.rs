//! `shakedown validate`.

use std::path::PathBuf;

use super::loading::{self, Given};
use super::{candidates, output};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::target::printable;

/// Check experiment files without touching anything.
///
/// Checks the form, the units, the names and how they fit together. Reads the files and what their
/// variables name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: shakedown validate experiments/*.yaml")]
pub(super) struct Args {
    /// The experiment files; `-` for standard input.
    #[arg(required = true, value_name = "FILE", add = candidates::experiments())]
    files: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let (mut bad, all) = (0, self.files.len());
        for file in &self.files {
            match loading::read(file, &self.given) {
                Ok((experiment, _)) => {
                    let (file, title) = (file.display().to_string(), printable(&experiment.title));
                    output::result(format_args!("{}: ok: {title}\n", printable(&file)));
                }
                Err(error) if all == 1 => return Err(error),
                Err(error) => {
                    bad += 1;
                    output::error(&error);
                }
            }
        }
        match bad {
            0 => Ok(Outcome::Held),
            _ => Err(Error::usage(format_args!("{bad} of {all} files cannot be used"))),
        }
    }
}
