//! `shakedown targets`.

use std::path::PathBuf;

use super::loading::{self, Given};
use super::plan::Format;
use super::selector::Selector;
use super::{candidates, output};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::spec::{Experiment, MethodStep, ProcessSelector, Step};
use crate::target::{self, Selection, printable};

/// Show what a selector matches now, and why not the others.
///
/// For a file, each step of its method. Touches nothing. Exit code 4 when something matches
/// nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown targets --name redis-server --user redis
          shakedown targets experiments/redis-sentinel-failover.yaml")]
pub(super) struct Args {
    /// The experiment file; `-` for standard input.
    #[arg(value_name = "FILE", add = candidates::experiments())]
    file: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    selector: Selector,
}

/// What one selector came to.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    /// The step, for the steps of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// The services it is aimed at, which do not run yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    services: Vec<String>,
    /// Processes, those that match first.
    processes: Vec<Candidate>,
    /// Why there is no match.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
    #[serde(skip)]
    table: String,
}

/// A process that has every value of the selector.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Candidate {
    pid: i32,
    start_time: u64,
    name: String,
    user: String,
    command: Vec<String>,
    /// Why it is left out all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let shown = match (&self.file, self.selector.clone().given()) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("give a file or a selector, not both"));
            }
            (Some(file), None) => of_file(&loading::read(file, &self.given)?.0),
            (None, _) => vec![Shown::of(None, &self.selector.required()?, None)?],
        };
        match self.format {
            Format::Json => output::json(&shown)?,
            Format::Human => shown.iter().for_each(print),
        }
        let missed = shown.iter().filter(|shown| shown.problem.is_some()).count();
        Ok(if missed == 0 { Outcome::Held } else { Outcome::NotInjected })
    }
}

fn of_file(experiment: &Experiment) -> Vec<Shown> {
    let steps = experiment.method.iter().flat_map(MethodStep::steps);
    steps.enumerate().map(|(index, step)| of_step(index, &step)).collect()
}

fn of_step(index: usize, step: &Step) -> Shown {
    let name = step.name.clone().unwrap_or_else(|| format!("step {}", index + 1));
    match (&step.target.process, &step.target.service) {
        (Some(selector), _) => {
            let except = step.target.except.as_ref();
            Shown::of(Some(name.clone()), selector, except)
                .unwrap_or_else(|error| Shown::missed(Some(name), &error))
        }
        (None, services) => Shown {
            services: services.iter().flat_map(|names| names.as_slice().iter().cloned()).collect(),
            ..Shown::new(Some(name))
        },
    }
}

impl Shown {
    fn new(step: Option<String>) -> Self {
        let (services, processes, hints) = (Vec::new(), Vec::new(), Vec::new());
        Self { step, services, processes, problem: None, hints, table: String::new() }
    }

    /// Asks the host. A selector that makes no sense is an error; a miss is not.
    fn of(
        step: Option<String>,
        selector: &ProcessSelector,
        except: Option<&ProcessSelector>,
    ) -> Result<Self> {
        match target::select(selector, except, &[]) {
            Ok(selection) => Ok(Self {
                processes: candidates(&selection),
                table: selection.render(),
                ..Self::new(step)
            }),
            Err(error) if error.outcome() == Outcome::Usage => Err(error),
            Err(error) => Ok(Self::missed(step, &error)),
        }
    }

    fn missed(step: Option<String>, error: &Error) -> Self {
        let problem = Some(error.to_string());
        Self { problem, hints: error.hints().to_vec(), ..Self::new(step) }
    }
}

fn candidates(selection: &Selection) -> Vec<Candidate> {
    let candidate = |process: &target::Process, left_out: Option<String>| Candidate {
        pid: process.id.pid,
        start_time: process.id.start_time,
        name: process.name.clone(),
        user: process.user.clone(),
        command: process.command.clone(),
        left_out,
    };
    let matched = selection.matched.iter().map(|process| candidate(process, None));
    let rejected = selection.rejected.iter();
    matched
        .chain(rejected.map(|(process, why)| candidate(process, Some(why.to_string()))))
        .collect()
}

fn print(shown: &Shown) {
    if let Some(step) = &shown.step {
        output::result(format_args!("{}:\n", printable(step)));
    }
    if !shown.services.is_empty() {
        let names = shown.services.join(", ");
        output::result(format_args!("services of the experiment, not running yet: {names}\n"));
    }
    if !shown.table.is_empty() {
        output::result(format_args!("{}\n", shown.table));
    }
    if let Some(problem) = &shown.problem {
        output::problem(problem, &shown.hints);
    }
}
