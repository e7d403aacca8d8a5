//! `shakedown rollback`.

use std::time::Duration;

use super::{candidates, orphans, output};
use crate::agent::{History, Runs, read_history};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::spec::quantity::Signal;
use crate::sys::process::Process;

/// Undo what a run has done, and end it if it is going on.
///
/// A run that is going on is told to undo everything and end; what a dead run left is undone from
/// its journal. Twice is the same as once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: shakedown rollback 20261120-090512-k3f9\n          shakedown rollback --all"
)]
pub(super) struct Args {
    /// The run.
    #[arg(value_name = "RUN", add = candidates::runs(), required_unless_present = "all")]
    run: Option<String>,
    /// Every run of this user that is going on or left something.
    #[arg(long, conflicts_with = "run")]
    all: bool,
    /// Only show what would be undone.
    #[arg(long)]
    dry_run: bool,
}

/// How long a living agent may take to undo everything.
const PATIENCE: Duration = Duration::from_secs(60);

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let runs = Runs::locate()?;
        let chosen = match self.run {
            Some(run) => vec![open(&runs, run)?],
            None => runs
                .unclosed()?
                .into_iter()
                .map(|(run, history)| Ok((run, history?)))
                .collect::<Result<Vec<_>>>()?,
        };
        if chosen.is_empty() {
            output::result("no run is going on, and nothing is left behind\n");
        }
        let mut failed = None;
        for (run, history) in chosen {
            if self.dry_run {
                show(&run, &history);
            } else if let Err(error) = undo(&runs, &run, &history) {
                output::error(&error);
                failed = Some(Error::new(
                    Outcome::Residue,
                    anyhow::anyhow!("not everything could be undone"),
                ));
            }
        }
        failed.map_or(Ok(Outcome::Held), Err)
    }
}

fn open(runs: &Runs, run: String) -> Result<(String, History)> {
    if !runs.names()?.contains(&run) {
        return Err(Error::usage(format_args!("there is no run {run}"))
            .hint("`shakedown status --all` lists them"));
    }
    let history =
        read_history(&runs.folder(&run)).map_err(|error| Error::new(Outcome::Residue, error))?;
    Ok((run, history))
}

fn show(run: &str, history: &History) {
    output::result(format_args!("{run}: would undo\n"));
    for (_, entry) in history.open() {
        output::result(format_args!("  {}\n", entry.undo.describe(&entry.site)));
    }
}

fn undo(runs: &Runs, run: &str, history: &History) -> Result<()> {
    if history.is_closed() {
        output::result(format_args!("{run}: nothing is left\n"));
        return Ok(());
    }
    if orphans::is_alive(history) {
        end(history)?;
    }
    // An agent that undid everything has closed the journal; one that did not left the rest to us.
    let history = read_history(&runs.folder(run))?;
    if !history.is_closed() {
        let recovery = orphans::undo_one(runs, run)?;
        for (id, reverted) in &recovery.undone {
            output::result(format_args!("  {}\n", orphans::line(&history, *id, reverted)));
        }
        if !recovery.is_clean() {
            return orphans::report(&recovery, &history);
        }
    }
    output::result(format_args!("{run}: everything is undone\n"));
    Ok(())
}

/// Tells a living agent to undo everything, and waits for its end.
fn end(history: &History) -> Result<()> {
    let agent = history.header().agent;
    let Some(process) = Process::open(agent)? else { return Ok(()) };
    process.signal(Signal::TERM)?;
    if process.wait_end(PATIENCE)? {
        return Ok(());
    }
    Err(Error::new(
        Outcome::Residue,
        anyhow::anyhow!("the agent {agent} did not end within {PATIENCE:?}"),
    )
    .hint(format!("`kill -KILL {agent}`, then `shakedown rollback` again")))
}
