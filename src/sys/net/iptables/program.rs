//! The programs of `iptables` on this host.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::super::Namespace;

/// Where they may be; no search path is asked.
const FOLDERS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];
/// How long to wait for others that change tables (`/run/xtables.lock`), in seconds.
const WAIT: &str = "5";

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Four,
    Six,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::Four, Self::Six];

    /// What the programs' names begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Four => "iptables",
            Self::Six => "ip6tables",
        }
    }

    /// The file of `/proc` with the tables that a network namespace has.
    const fn tables(self) -> &'static str {
        match self {
            Self::Four => "/proc/thread-self/net/ip_tables_names",
            Self::Six => "/proc/thread-self/net/ip6_tables_names",
        }
    }
}

/// A table of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Where packets may be dropped.
    Mangle,
    /// Where packets may be refused.
    Filter,
}

impl Table {
    pub(super) const ALL: [Self; 2] = [Self::Mangle, Self::Filter];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mangle => "mangle",
            Self::Filter => "filter",
        }
    }
}

/// The program with this ending for a version: that of the older kernel interface, where the host
/// has both, since whoever has owned tables does not come here.
fn path(version: Version, ending: &str) -> Result<PathBuf> {
    let prefix = version.prefix();
    let names = [format!("{prefix}-legacy-{ending}"), format!("{prefix}-{ending}")];
    let places = names.iter().flat_map(|name| FOLDERS.map(|folder| Path::new(folder).join(name)));
    places.into_iter().find(|place| place.exists()).with_context(|| {
        format!("this host has no {prefix}-{ending}; install the package iptables")
    })
}

/// The rules of a table, with their counters, as `iptables-save` prints them; nothing for a table
/// that the namespace does not have, and which asking for would make.
pub(super) fn saved(namespace: &Namespace, version: Version, table: Table) -> Result<String> {
    let known = namespace.run_in(|| std::fs::read_to_string(version.tables()))?;
    if !known.unwrap_or_default().lines().any(|name| name == table.name()) {
        return Ok(String::new());
    }
    let mut command = Command::new(path(version, "save")?);
    command.args(["-c", "-t", table.name()]);
    run(namespace, &mut command, "")
}

/// Carries out commands on a table at one moment, or none of them.
pub(super) fn restore(
    namespace: &Namespace,
    version: Version,
    table: Table,
    lines: &[String],
) -> Result<()> {
    let text = format!("*{}\n{}\nCOMMIT\n", table.name(), lines.join("\n"));
    let mut command = Command::new(path(version, "restore")?);
    command.args(["--noflush", "-w", WAIT]);
    run(namespace, &mut command, &text).map(drop)
}

fn run(namespace: &Namespace, command: &mut Command, input: &str) -> Result<String> {
    let program = command.get_program().to_owned();
    let fail = || format!("cannot run {}", program.display());
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = namespace.run_in(|| command.spawn())?.with_context(fail)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends early says why itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(fail)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{} refuses: {}", program.display(), words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
