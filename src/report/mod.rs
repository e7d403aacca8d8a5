//! What people and pipelines read: every report is a fold over a run's events. Pure; writers are
//! passed in.

mod escape;
mod figure;
pub mod json;
pub mod junit;
mod line;
mod narration;
pub mod summary;
pub mod terminal;

#[cfg(test)]
mod documents;
#[cfg(test)]
mod fixture;

use std::io::Write;
use std::str::FromStr;

use anyhow::Context;

pub use line::{Line, Mark};
pub use summary::Summary;
pub use terminal::{Size, Style, Terminal, size_of};

use crate::error::Result;

/// How a finished run is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Tables and sentences for a person.
    #[default]
    Human,
    /// One JSON object, described by `docs/report-format.md`.
    Json,
    /// `JUnit` XML, as CI servers show it.
    Junit,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Human, Self::Json, Self::Junit];

    /// Its name on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Junit => "junit",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.word() == text);
        known.ok_or_else(|| format!("`{text}` is no format; they are human, json, junit"))
    }
}

/// Writes a whole report. `style` is that of the stream behind `out`; only [`Format::Human`]
/// looks at it.
///
/// Fails when `out` does.
pub fn render(format: Format, style: Style, summary: &Summary, out: &mut dyn Write) -> Result<()> {
    match format {
        Format::Human => terminal::render_final(style, summary, out)?,
        Format::Json => json::render(summary, out)?,
        Format::Junit => junit::render(summary, out)?,
    }
    out.flush().context("the report could not be written")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_cut_short_anywhere_is_reported_in_every_format() {
        for events in fixture::all() {
            let mut summary = Summary::default();
            for (number, event) in events.iter().enumerate() {
                summary.observe(event);
                // Samples differ in nothing but figures: a few of them are enough.
                if number % 10 != 0 && matches!(event.what, crate::event::What::Sampled(_)) {
                    continue;
                }
                for format in Format::ALL {
                    render(format, Style::PLAIN, &summary, &mut Vec::new()).unwrap();
                }
            }
        }
    }

    #[test]
    fn formats_are_named_as_they_are_written() {
        for format in Format::ALL {
            assert_eq!(format.word().parse(), Ok(format));
        }
        let error = "yaml".parse::<Format>().unwrap_err();
        assert_eq!(error, "`yaml` is no format; they are human, json, junit");
    }
}
