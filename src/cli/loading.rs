//! From a file to a plan: the same for `run`, `plan` and `validate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::config::Config;
use super::subnets::{self, Subnets};
use crate::error::{Error, Result};
use crate::fault::Engines;
use crate::outcome::Outcome;
use crate::plan::{self, Plan, Setting};
use crate::spec::quantity::IpNetwork;
use crate::spec::{self, Context, Experiment, MethodStep, Secret};
use crate::sys::net;
use crate::target;

/// What is given beside the files.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Given {
    /// Give a variable of the file a value; may be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    variables: Vec<(String, String)>,
    /// Where this is: must equal the `environment:` of the file; by default as the configuration
    /// file says.
    #[arg(long, env = "SHAKEDOWN_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
    /// The seed of every choice; by default a new one, which is printed.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// An experiment that was read and planned.
pub(super) struct Loaded {
    pub(super) file: PathBuf,
    pub(super) experiment: Experiment,
    pub(super) plan: Plan,
    pub(super) subnets: Subnets,
}

/// Reads an experiment; standard input for `-`.
pub(super) fn read(file: &Path, given: &Given) -> Result<(Experiment, Subnets)> {
    let unreadable = |error| Error::new(Outcome::Usage, error);
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
            .context("cannot read standard input")
            .map_err(unreadable)?
    } else {
        std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))
            .map_err(unreadable)
            .map_err(|error| {
                if file.is_dir() {
                    error.hint(format!("name its files: {}/*.yaml", file.display()))
                } else {
                    error
                }
            })?
    };
    let origin = file.display().to_string();
    // Which subnets are needed depends on the services, and what they are is part of the text: the
    // first stand for the real ones until that is known.
    let experiment = parse(&text, &origin, given, net::subnets(0).to_vec())?;
    let subnets = Subnets::for_services(&experiment)?;
    if subnets.networks.is_empty() {
        return Ok((experiment, subnets));
    }
    Ok((parse(&text, &origin, given, subnets.networks.clone())?, subnets))
}

fn parse(text: &str, origin: &str, given: &Given, subnets: Vec<IpNetwork>) -> Result<Experiment> {
    let context = Context {
        overrides: given.variables.iter().cloned().collect(),
        environment: &|name| std::env::var(name).ok(),
        read_file: &|path| std::fs::read_to_string(path),
        binary: std::env::current_exe().context("cannot find this program")?,
        subnets,
    };
    spec::parse(text, origin, &context).map_err(Error::from)
}

/// Reads and plans an experiment. Reads the host, touches nothing.
pub(super) fn load(
    file: &Path,
    given: &Given,
    seed: u64,
    journal: Option<&Path>,
) -> Result<Loaded> {
    let (experiment, subnets) = read(file, given)?;
    let networks = subnets.networks.clone();
    let plan = plan_of(&experiment, given.environment()?, seed, networks, journal)?;
    Ok(Loaded { file: file.to_owned(), experiment, plan, subnets })
}

/// Plans an experiment on this host as it is now.
pub(super) fn plan_of(
    experiment: &Experiment,
    environment: Option<String>,
    seed: u64,
    subnets: Vec<IpNetwork>,
    journal: Option<&Path>,
) -> Result<Plan> {
    let candidates = target::gather(experiment, &[], journal)?;
    let engines = engines(experiment)?;
    let setting = Setting { seed, subnets, environment, engines };
    let plan = plan::plan(experiment, &candidates, &setting)?;
    subnets::refuse_used(plan.network.as_ref())?;
    Ok(plan)
}

/// Which engines this machine has, tried only when a network fault needs one.
fn engines(experiment: &Experiment) -> Result<Engines> {
    let mut steps = experiment.method.iter().flat_map(MethodStep::steps);
    if !steps.any(|step| step.fault.is_network()) {
        return Ok(Engines::default());
    }
    let missing = net::missing_engines()?;
    let without = |engines: Engines, (engine, reason)| engines.without(engine, reason);
    Ok(missing.into_iter().fold(Engines::default(), without))
}

impl Given {
    /// Where this is, as far as anybody said.
    fn environment(&self) -> Result<Option<String>> {
        match &self.environment {
            Some(environment) => Ok(Some(environment.clone())),
            None => Ok(Config::read()?.environment),
        }
    }

    /// The seed, or a new one.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()))
    }
}

/// Reads the values of an experiment's secrets.
pub(super) fn secrets(experiment: &Experiment) -> Result<BTreeMap<String, String>> {
    let read = |(name, secret): (&String, &Secret)| -> Result<(String, String)> {
        let value = match secret {
            Secret::Env(variable) => std::env::var(variable)
                .with_context(|| format!("the environment variable {variable} is not set")),
            Secret::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .with_context(|| format!("cannot read {}", path.display())),
        };
        let value = value.with_context(|| format!("the secret `{name}` has no value"));
        Ok((name.clone(), value.map_err(|error| Error::new(Outcome::Usage, error))?))
    };
    experiment.secrets.iter().map(read).collect()
}
