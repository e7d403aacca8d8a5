//! `shakedown faults`.

use comfy_table::{ContentArrangement, Table, presets};

use super::plan::Format;
use super::{candidates, output};
use crate::error::{Error, Result};
use crate::fault::{FaultEntry, catalogue};
use crate::outcome::Outcome;
use crate::spec::nearest_word;

/// Show which faults there are, or explain one.
///
/// One is explained with its parameters, how its undo is guaranteed, and an example.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: shakedown faults network-latency")]
pub(super) struct Args {
    /// The fault to explain; by default all are listed.
    #[arg(value_name = "FAULT", add = candidates::faults())]
    fault: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let all = catalogue();
        match (&self.fault, self.format) {
            (None, Format::Human) => output::result(table(&all, output::width())),
            (None, Format::Json) => output::json(&all)?,
            (Some(name), Format::Human) => output::result(find(&all, name)?.render()),
            (Some(name), Format::Json) => output::json(find(&all, name)?)?,
        }
        Ok(Outcome::Held)
    }
}

fn find<'a>(all: &'a [FaultEntry], name: &str) -> Result<&'a FaultEntry> {
    all.iter().find(|fault| fault.name == name).ok_or_else(|| unknown(all, name))
}

/// The error for a name that no fault has.
pub(super) fn unknown(all: &[FaultEntry], name: &str) -> Error {
    let names = all.iter().map(|fault| fault.name.as_str());
    let hint = nearest_word(name, names).unwrap_or_default();
    Error::usage(format_args!("there is no fault `{name}`")).hint(hint)
}

fn table(all: &[FaultEntry], width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["FAULT", "CLASS", "WHAT IT DOES"]);
    for fault in all {
        let classes: Vec<String> = fault.classes.iter().map(ToString::to_string).collect();
        table.add_row([&fault.name, &classes.join("/"), &fault.summary]);
    }
    format!("{}\n\n{CLASSES}\n", table.trim_fmt())
}

const CLASSES: &str = "\
Classes, by what has to live for the undo to happen: K nothing, the kernel does it · G the agent, or
the controller, or the next command · J the next command · X irreversible (see docs/safety.md)
One explained, with its parameters: shakedown faults FAULT";
