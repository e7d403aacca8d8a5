//! `shakedown inject`.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::loading::{self, Loaded};
use super::selector::Selector;
use super::subnets::Subnets;
use super::{candidates, faults, orphans, run};
use crate::agent::Runs;
use crate::error::{Error, Result};
use crate::fault::catalogue;
use crate::outcome::Outcome;
use crate::report::{Format, Style, render};
use crate::spec::Experiment;
use crate::spec::quantity::Duration;

/// Inject one fault, without a file, and undo it.
///
/// The fault proves that it took effect. It is undone when its time is up, on Ctrl-C, and whatever
/// else happens.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown inject process-pause --pid 4711 --for 5s
          shakedown inject cpu-stress --name nginx --pick all --for 30s load=80% cores=2
          shakedown inject process-kill --port 8080 signal=TERM
The parameters of each fault: shakedown faults FAULT")]
pub(super) struct Args {
    /// The fault.
    #[arg(value_name = "FAULT", add = candidates::faults())]
    fault: String,
    /// Parameters of the fault.
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// How many of what matches: one, all, a number or a share.
    #[arg(long, default_value = "one")]
    pick: String,
    /// How long it stays.
    #[arg(long = "for", value_name = "DURATION")]
    duration: Option<Duration>,
    /// What is refused unless it is named: host, root-fs, journal-fs, memory-fs, control-path, long-duration.
    #[arg(long, value_delimiter = ',')]
    allow: Vec<String>,
    /// The seed of every choice.
    #[arg(long)]
    seed: Option<u64>,
    /// How to print the result: human, json or junit.
    #[arg(long, default_value = "human", value_parser = |text: &str| text.parse::<Format>())]
    format: Format,
    // Last, since its heading holds for every flag after it.
    #[command(flatten)]
    selector: Selector,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let all = catalogue();
        if all.iter().all(|fault| fault.name != self.fault) {
            return Err(faults::unknown(&all, &self.fault));
        }
        let experiment = self.experiment()?;
        let runs = Runs::locate()?;
        orphans::undo(&runs)?;
        let seed = self.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let plan = loading::plan_of(&experiment, None, seed, Vec::new(), None)?;
        let file = PathBuf::from("(command line)");
        let loaded = Loaded { file, experiment, plan, subnets: Subnets::default() };
        let summary = run::perform(&runs, loaded, Duration::from_secs(5))?;
        let mut stdout = anstream::stdout().lock();
        let _ = render(self.format, Style::of(&std::io::stdout()), &summary, &mut stdout);
        Ok(summary.outcome().unwrap_or(Outcome::Inconclusive))
    }

    /// An experiment with this one step and nothing to measure.
    fn experiment(&self) -> Result<Experiment> {
        let mut allow = self.allow.clone();
        // Whoever names a killing fault and its target on the command line has allowed it by name.
        allow.push("irreversible".to_owned());
        let longest = self.duration.unwrap_or_default().max(Duration::from_secs(60));
        let step = json!({
            "target": { "process": self.selector.clone().required()?, "pick": self.pick },
            "fault": { self.fault.as_str(): self.parameters()? },
            "for": self.duration,
        });
        let experiment = json!({
            "version": 1,
            "title": format!("inject {}", self.fault),
            "hypothesis": { "title": "the fault takes effect and is undone", "before": "0s", "after": "0s", "probes": [] },
            "blast-radius": { "max-targets": u32::MAX, "max-duration": longest, "allow": allow },
            "method": [step],
        });
        crate::spec::assemble(experiment).map_err(|error| {
            Error::usage(error)
                .hint(format!("`shakedown faults {}` shows its parameters", self.fault))
        })
    }

    fn parameters(&self) -> Result<Value> {
        let mut parameters = Map::new();
        for parameter in &self.parameters {
            let (name, value) = parameter
                .split_once('=')
                .with_context(|| format!("`{parameter}` is no NAME=VALUE"))
                .map_err(|error| Error::new(Outcome::Usage, error))?;
            parameters.insert(name.to_owned(), scalar(value));
        }
        Ok(Value::Object(parameters))
    }
}

/// What a value is in a file: a list with commas, a number, or a text.
fn scalar(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
