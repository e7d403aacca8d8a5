//! `shakedown run`.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context;

use super::loading::{self, Given, Loaded};
use super::{candidates, orphans, plan};
use crate::agent::Runs;
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::report::{Format, Style, Summary, Terminal, render, size_of};
use crate::run::{Setup, Stop, Told, execute, new_id};
use crate::spec::quantity::Duration;

/// Run experiments: measure, inject, undo, judge.
///
/// One after another; all files are checked before the first is begun. A run that is aborted, or
/// leaves something behind, is the last. The exit code is that of the worst.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown run experiments/quickstart.yaml
          shakedown run checkout.yaml --var base=http://127.0.0.1:8080 --seed 7
          shakedown run checkout.yaml --yes --report junit=out.xml,json=out.json")]
pub(super) struct Args {
    /// The experiment files; `-` for standard input.
    #[arg(required = true, value_name = "FILE", add = candidates::experiments())]
    files: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// Show the plan and end.
    #[arg(long)]
    dry_run: bool,
    /// Also write reports to files: FORMAT=PATH, with commas between or repeated.
    #[arg(long, value_name = "FORMAT=PATH", value_delimiter = ',', value_parser = report)]
    report: Vec<(Format, PathBuf)>,
    /// How to print the result: human, json or junit.
    #[arg(long, default_value = "human", value_parser = |text: &str| text.parse::<Format>())]
    format: Format,
    /// Do not ask before processes are touched that are not services of the experiment.
    #[arg(long)]
    yes: bool,
    /// The agent undoes everything when it hears nothing for this long.
    #[arg(long, default_value = "5s", value_name = "DURATION", hide_short_help = true)]
    heartbeat: Duration,
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, path) =
        text.split_once('=').ok_or("write it as FORMAT=PATH, such as junit=out.xml")?;
    Ok((format.parse()?, PathBuf::from(path)))
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let runs = Runs::locate()?;
        orphans::undo(&runs)?;
        let seed = self.given.seed();
        let load = |file: &PathBuf| loading::load(file, &self.given, seed, None);
        let loaded = self.files.iter().map(load).collect::<Result<Vec<_>>>()?;
        if self.dry_run {
            let format =
                if self.format == Format::Json { plan::Format::Json } else { plan::Format::Human };
            loaded.iter().try_for_each(|loaded| plan::print(&loaded.plan, format))?;
            return Ok(Outcome::Held);
        }
        let mut reports = self.open_reports()?;
        loaded.iter().try_for_each(|loaded| self.confirm(loaded))?;
        let mut outcome = Outcome::Held;
        for loaded in loaded {
            let summary = perform(&runs, loaded, self.heartbeat)?;
            outcome = outcome.worst(summary.outcome().unwrap_or(Outcome::Inconclusive));
            let mut stdout = anstream::stdout().lock();
            // Nobody reads a closed pipe; the verdict is the exit code all the same.
            let _ = render(self.format, Style::of(&io::stdout()), &summary, &mut stdout);
            for (format, path, file) in &mut reports {
                // A report that is lost must not hide what the run came to.
                render(*format, Style::PLAIN, &summary, file).map_err(|error| {
                    Error::new(
                        outcome.worst(error.outcome()),
                        anyhow::anyhow!("cannot write {}: {error}", path.display()),
                    )
                })?;
            }
            // Who stopped this one did not ask for the next one to begin.
            if matches!(summary.outcome(), Some(Outcome::Residue | Outcome::Aborted) | None) {
                break;
            }
        }
        Ok(outcome)
    }

    /// Before the run, so that a bad path does not cost one.
    fn open_reports(&self) -> Result<Vec<(Format, PathBuf, File)>> {
        let open = |(format, path): &(Format, PathBuf)| -> Result<_> {
            let file = File::create(path)
                .with_context(|| format!("cannot write the report {}", path.display()))
                .map_err(|error| Error::new(Outcome::Usage, error))?;
            Ok((*format, path.clone(), file))
        };
        self.report.iter().map(open).collect()
    }

    /// A person at a terminal is asked before strangers' processes are touched.
    fn confirm(&self, loaded: &Loaded) -> Result<()> {
        let strangers =
            loaded.plan.entries.iter().flat_map(|entry| &entry.steps).flat_map(|step| &step.acts);
        let strangers = strangers
            .filter(|planned| matches!(planned.act.site(), crate::act::SiteRef::Process(_)))
            .count();
        if self.yes || strangers == 0 || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(());
        }
        plan::print(&loaded.plan, plan::Format::Human)?;
        let _ = write!(
            io::stderr(),
            "This touches processes that are not the experiment's own. Go on? [y/N] "
        );
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Error::new(
                Outcome::Aborted,
                anyhow::anyhow!("not confirmed; nothing was touched"),
            )),
        }
    }
}

/// Runs one plan on a thread of its own making, with the live terminal on standard error.
pub(super) fn perform(runs: &Runs, loaded: Loaded, heartbeat: Duration) -> Result<Summary> {
    // Held until the run has ended.
    let _subnets = loaded.subnets.claim(loaded.plan.network.as_ref())?;
    let run = new_id(jiff::Timestamp::now());
    let setup = Setup {
        secrets: loading::secrets(&loaded.experiment)?,
        folder: runs.create(&run)?,
        plan: loaded.plan,
        file: loaded.file,
        run,
        select: Rc::new(crate::target::watched),
        heartbeat,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let mut stderr = anstream::AutoStream::auto(io::stderr());
    let mut terminal = Terminal::new(Style::of(&io::stderr()), &mut stderr);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let stop = Stop::listen()?;
        execute(setup, &stop, &mut |told| match told {
            Told::Event(event) => terminal.observe(event),
            Told::Tick(now) => {
                terminal.resize(size_of(&io::stderr()));
                terminal.tick(now);
            }
        })
        .await
    })?;
    let summary = terminal.summary().clone();
    terminal.finish();
    Ok(summary)
}
