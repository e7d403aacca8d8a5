//! The command line: one file per command, each with its arguments and what it does.

mod agent;
mod candidates;
mod completions;
mod config;
mod doctor;
mod exec;
mod faults;
mod init;
mod inject;
mod loading;
mod man;
mod orphans;
mod output;
mod plan;
mod report;
mod rollback;
mod run;
mod schema;
mod selector;
mod status;
mod subnets;
mod targets;
mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::demo;
use crate::error::Result;
use crate::outcome::Outcome;

pub use completions::{Shell, script};
pub use man::page;

/// Chaos engineering from a terminal or a pipeline: inject faults, measure the steady state, undo
/// everything, return a verdict.
#[derive(Debug, Parser)]
#[command(name = "shakedown", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples: shakedown run experiments/quickstart.yaml
          shakedown init checkout.yaml && shakedown plan checkout.yaml
          shakedown inject process-pause --name nginx --for 5s

Exit codes: 0 held · 1 deviated (a weakness was found) · 2 usage · 3 unsteady before ·
            4 not injected · 5 aborted · 6 residue (call someone) · 7 inconclusive";

/// The commands; the first line of what each says of itself is its line in the list.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Inject(inject::Args),
    Init(init::Args),
    Targets(targets::Args),
    Faults(faults::Args),
    Doctor(doctor::Args),
    Status(status::Args),
    Exec(exec::Args),
    Rollback(rollback::Args),
    Report(report::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
    /// Serve a controller on standard input and output.
    #[command(hide = true)]
    Agent(agent::AgentArgs),
    /// Burn processor time.
    #[command(hide = true)]
    StressWorker(agent::WorkerArgs),
    /// The shop of the quickstart.
    #[command(hide = true, subcommand)]
    Demo(demo::Demo),
}

/// Parses the command line of this process and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    match completions::answer() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => error.exit(),
    }
    match Cli::parse().command.exec() {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output::error(&error);
            error.outcome().into()
        }
    }
}

/// The command line as data: every command with its flags and help.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

impl Command {
    fn exec(self) -> Result<Outcome> {
        match self {
            Self::Run(args) => args.exec(),
            Self::Validate(args) => args.exec(),
            Self::Plan(args) => args.exec(),
            Self::Inject(args) => args.exec(),
            Self::Status(args) => args.exec(),
            Self::Exec(args) => args.exec(),
            Self::Rollback(args) => args.exec(),
            Self::Report(args) => args.exec(),
            Self::Init(args) => args.exec(),
            Self::Targets(args) => args.exec(),
            Self::Faults(args) => args.exec(),
            Self::Doctor(args) => args.exec(),
            Self::Schema(args) => args.exec(),
            Self::Completions(args) => args.exec(),
            Self::Man(args) => args.exec(),
            Self::Agent(args) => args.exec(),
            Self::StressWorker(args) => args.exec(),
            Self::Demo(demo) => {
                demo::run(demo)?;
                Ok(Outcome::Held)
            }
        }
    }
}
