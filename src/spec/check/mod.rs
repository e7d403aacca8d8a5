//! Rules between fields, and rules of values that their types cannot state. All that is broken
//! is reported at once, each with its place.

mod dns;
mod fault;
mod http_fault;
mod method;
mod modifier;
mod network;
mod partition;
mod probe;
mod service;
mod tcp_proxy;
mod tolerance;

use std::collections::BTreeSet;

use super::mistakes::{Mistake, Place};
use super::nearest;
use super::path::Path;
use super::quantity::Duration;
use super::{Allowance, Experiment};

/// The mistakes of an experiment whose fields all have the right types.
pub(super) fn check(experiment: &Experiment) -> Vec<Mistake> {
    let mut check = Check { experiment, mistakes: Vec::new() };
    check.root();
    check.declarations();
    check.services();
    check.hypothesis();
    check.abort();
    check.blast_radius();
    check.method();
    check.mistakes
}

/// The longest `max-duration` without `allow: [long-duration]`.
const LONG: Duration = Duration::from_secs(15 * 60);

struct Check<'a> {
    experiment: &'a Experiment,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    /// Notes what is wrong with the value at a path.
    fn wrong(&mut self, path: Path, message: impl Into<String>) {
        self.mistakes.push(Mistake::at(path, message));
    }

    /// The same, with what would be right.
    fn wrong_but(&mut self, path: Path, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(Mistake::at(path, message).help(help.into()));
    }

    /// Notes what is wrong with a key.
    fn wrong_key(&mut self, path: Path, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(Place::Key(path), message));
    }

    fn text(&mut self, path: Path, text: &str) {
        if text.trim().is_empty() {
            self.wrong(path, "the text is empty");
        }
    }

    fn above_zero(&mut self, path: Path, duration: Duration) {
        if duration.is_zero() {
            self.wrong(path, "the duration must be above zero");
        }
    }

    /// Names are used in file names, reports and references.
    fn name(&mut self, place: Place, name: &str) {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(inner)
            && name.len() <= 64;
        if !good {
            let message = format!("`{name}` is no name");
            let help =
                "a name is a letter or digit, then letters, digits, `.`, `_`, `-`; 64 at most";
            self.mistakes.push(Mistake::new(place, message).help(help.to_owned()));
        }
    }

    /// Exactly one of these fields must be there.
    fn exactly_one(&mut self, path: &Path, fields: &[(&str, bool)]) {
        let given: Vec<&str> =
            fields.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        let all: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        match given.as_slice() {
            [_] => {}
            [] => self.wrong(path.clone(), format!("exactly one of {} is needed", all.join(", "))),
            [first, second, ..] => {
                let message = format!("`{first}` and `{second}` exclude each other");
                self.mistakes.push(Mistake::new(Place::Key(path.key(second)), message));
            }
        }
    }

    /// The name of a service must be one of the file's.
    fn service_exists(&mut self, path: Path, name: &str) -> bool {
        let services = &self.experiment.services;
        let known = services.contains_key(name);
        if !known {
            let help = nearest::hint(name, services.keys().map(String::as_str));
            let help = help.unwrap_or_else(|| "this file has no services".to_owned());
            self.wrong_but(path, format!("there is no service `{name}`"), help);
        }
        known
    }

    /// Network faults and peers need services with a network of their own.
    fn service_has_network(&mut self, path: Path, name: &str) {
        let service = self.experiment.services.get(name);
        if self.service_exists(path.clone(), name)
            && service.is_some_and(|service| !service.network.is_own())
        {
            let message = format!("the service `{name}` shares the network of this host");
            self.wrong_but(
                path,
                message,
                format!("give it a network: `services.{name}.network: own`"),
            );
        }
    }

    fn root(&mut self) {
        let experiment = self.experiment;
        if experiment.version != 1 {
            self.wrong(Path::of("version"), "this program reads `version: 1`");
        }
        self.text(Path::of("title"), &experiment.title);
        for (index, tag) in experiment.tags.iter().enumerate() {
            self.text(Path::of("tags").item(index), tag);
        }
        if let Some(environment) = &experiment.environment {
            self.text(Path::of("environment"), environment);
        }
    }

    fn declarations(&mut self) {
        for name in self.experiment.variables.keys() {
            let path = Path::of("variables").key(name);
            self.name(Place::Key(path.clone()), name);
            let ours = ["service.", "secret.", "run."].iter().any(|word| name.starts_with(word));
            if ours || name == "shakedown" {
                let message = format!("`${{{name}}}` has a meaning of its own");
                self.mistakes.push(Mistake::new(Place::Key(path), message));
            }
        }
        for name in self.experiment.secrets.keys() {
            self.name(Place::Key(Path::of("secrets").key(name)), name);
        }
    }

    fn abort(&mut self) {
        let experiment = self.experiment;
        for (index, abort) in experiment.abort.iter().enumerate() {
            let path = Path::of("abort").item(index);
            self.above_zero(path.key("for"), abort.window);
            let probes = &experiment.hypothesis.probes;
            if let Some(probe) = probes.iter().find(|probe| probe.name == abort.probe) {
                self.tolerance(&path.key("when"), &abort.when, probe);
            } else {
                let help = nearest::hint(&abort.probe, probes.iter().map(|p| p.name.as_str()));
                let message = format!("there is no probe `{}`", abort.probe);
                self.mistakes.push(Mistake::at(path.key("probe"), message).help(help));
            }
        }
    }

    fn blast_radius(&mut self) {
        let (limits, path) = (&self.experiment.blast_radius, Path::of("blast-radius"));
        if limits.max_targets == 0 {
            self.wrong(path.key("max-targets"), "nothing can be hit with at most 0 targets");
        }
        if limits.max_share.is_some_and(|share| share.get() <= 0.0) {
            self.wrong(path.key("max-share"), "nothing can be hit with at most 0% of the targets");
        }
        self.above_zero(path.key("max-duration"), limits.max_duration);
        if limits.max_duration > LONG && !limits.allows(Allowance::LongDuration) {
            self.wrong_but(
                path.key("max-duration"),
                format!("{} is longer than {LONG}", limits.max_duration),
                "write `allow: [long-duration]` if it must be",
            );
        }
    }

    /// Names that must differ from each other.
    fn unique<'b>(&mut self, names: impl IntoIterator<Item = (Path, &'b str)>) {
        let mut before = BTreeSet::new();
        for (path, name) in names {
            self.name(Place::Value(path.clone()), name);
            if !before.insert(name) {
                self.wrong(path, format!("the name `{name}` is taken"));
            }
        }
    }
}
