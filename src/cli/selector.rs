//! Whom a command means, as flags.

use std::path::PathBuf;

use super::candidates;
use crate::error::{Error, Result};
use crate::spec::ProcessSelector;

/// Whom: all of what is given must match.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Selecting processes (all that is given must match)")]
pub(super) struct Selector {
    /// The process id.
    #[arg(long)]
    pid: Option<i32>,
    /// The exact name, as `ps -o comm` prints it.
    #[arg(long, add = candidates::process_names())]
    name: Option<String>,
    /// The exact path of the executable.
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::ExecutablePath)]
    exe: Option<PathBuf>,
    /// A word that equals one argument of the command line.
    #[arg(long, value_name = "WORD")]
    token: Option<String>,
    /// The user it runs as, by name or number.
    #[arg(long, value_hint = clap::ValueHint::Username)]
    user: Option<String>,
    /// A port it listens on.
    #[arg(long)]
    port: Option<u16>,
    /// Its control group: the exact path, as in /proc/PID/cgroup.
    #[arg(long, value_name = "PATH")]
    cgroup: Option<String>,
    /// Its systemd unit, such as nginx.service.
    #[arg(long)]
    unit: Option<String>,
    /// The process id of its parent.
    #[arg(long, value_name = "PID")]
    parent: Option<i32>,
}

impl From<Selector> for ProcessSelector {
    fn from(selector: Selector) -> Self {
        let Selector { pid, name, exe, token, user, port, cgroup, unit, parent } = selector;
        Self { pid, name, exe, token, user, port, cgroup, unit, parent }
    }
}

impl Selector {
    /// The selector, if any flag is given.
    pub(super) fn given(self) -> Option<ProcessSelector> {
        let selector = ProcessSelector::from(self);
        (selector != ProcessSelector::default()).then_some(selector)
    }

    /// The selector; it is an error if no flag is given, since nothing never means "all".
    pub(super) fn required(self) -> Result<ProcessSelector> {
        self.given().ok_or_else(|| {
            Error::usage("no process is named").hint(
                "give at least one of --pid, --name, --exe, --token, --user, --port, --cgroup, \
                 --unit, --parent; `shakedown targets` shows what they match",
            )
        })
    }
}
