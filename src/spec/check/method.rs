//! Rules for steps and their targets.

use super::Check;
use crate::spec::path::Path;
use crate::spec::quantity::Duration;
use crate::spec::{MethodStep, ProcessSelector, ServiceSelector, Step, Target};

impl Check<'_> {
    pub(super) fn method(&mut self) {
        let (method, path) = (&self.experiment.method, Path::of("method"));
        if method.is_empty() {
            self.wrong(path.clone(), "a method needs at least one step");
        }
        let mut names = Vec::new();
        for (index, entry) in method.iter().enumerate() {
            let path = path.item(index);
            names.extend(entry.name.as_deref().map(|name| (path.key("name"), name)));
            for (inner, step) in entry.parallel.iter().enumerate() {
                let path = path.key("parallel").item(inner).key("name");
                names.extend(step.name.as_deref().map(|name| (path, name)));
            }
        }
        self.unique(names);
        for (index, entry) in method.iter().enumerate() {
            self.entry(&path.item(index), entry);
        }
        let waits = |entry: &MethodStep| entry.wait.is_some();
        if !method.is_empty() && method.iter().all(waits) {
            self.wrong(path, "the method only waits; it needs at least one fault");
        }
    }

    fn entry(&mut self, path: &Path, entry: &MethodStep) {
        let fields = [
            ("fault", entry.fault.is_some()),
            ("parallel", !entry.parallel.is_empty()),
            ("wait", entry.wait.is_some()),
        ];
        self.exactly_one(path, &fields);
        match entry.step() {
            Some(step) => self.step(path, &step),
            None if entry.fault.is_some() => {
                self.wrong(path.clone(), "the field `target` is missing");
            }
            None => self.only_for_faults(path, entry),
        }
        for (index, step) in entry.parallel.iter().enumerate() {
            self.step(&path.key("parallel").item(index), step);
        }
        if let Some(wait) = entry.wait {
            self.above_zero(path.key("wait"), wait);
        }
    }

    fn only_for_faults(&mut self, path: &Path, entry: &MethodStep) {
        let given = [
            ("target", entry.target.is_some()),
            ("for", entry.duration.is_some()),
            ("delay", entry.delay.is_some()),
            ("pulse", entry.pulse.is_some()),
            ("ramp", entry.ramp.is_some()),
            ("probability", entry.probability.is_some()),
        ];
        for (name, given) in given {
            if given {
                self.wrong_key(path.key(name), format!("`{name}` belongs to a `fault`"));
            }
        }
    }

    fn step(&mut self, path: &Path, step: &Step) {
        self.target(&path.key("target"), &step.target);
        self.fault(&path.key("fault"), &step.fault);
        self.fault_fits(path, &step.fault, &step.target);
        self.modifiers(path, step);
        match step.duration {
            None if step.fault.lasts() => {
                let help = "say how long the fault stays, such as `for: 30s`";
                self.wrong_but(path.clone(), "the field `for` is missing", help);
            }
            None => {}
            Some(duration) => self.duration(path.key("for"), duration),
        }
    }

    fn duration(&mut self, path: Path, duration: Duration) {
        self.above_zero(path.clone(), duration);
        let most = self.experiment.blast_radius.max_duration;
        if duration > most {
            let message = format!("{duration} is longer than the blast radius allows, {most}");
            let help =
                format!("shorten it, or write `blast-radius: {{ max-duration: {duration} }}`");
            self.wrong_but(path, message, help);
        }
    }

    fn target(&mut self, path: &Path, target: &Target) {
        let fields = [
            ("service", target.service.is_some()),
            ("process", target.process.is_some()),
            ("host", target.host),
        ];
        self.exactly_one(path, &fields);
        if let Some(services) = &target.service {
            self.service_names(&path.key("service"), services);
        }
        if let Some(process) = &target.process {
            self.selector(&path.key("process"), process);
        }
        if let Some(except) = &target.except {
            self.selector(&path.key("except"), except);
        }
    }

    /// The services that a selector names.
    pub(super) fn service_names(&mut self, path: &Path, services: &ServiceSelector) {
        for (place, name) in places(path, services) {
            self.service_exists(place, name);
        }
    }

    /// A selector must select, and its values must be able to match.
    pub(super) fn selector(&mut self, path: &Path, selector: &ProcessSelector) {
        if *selector == ProcessSelector::default() {
            let help = "nothing ever means all; write one such as `{ name: nginx }`";
            self.wrong_but(path.clone(), "the selector is empty", help);
        }
        if selector.pid.is_some_and(|pid| pid <= 1) {
            self.wrong(path.key("pid"), "a process id is a number above 1");
        }
        if selector.parent.is_some_and(|pid| pid < 1) {
            self.wrong(path.key("parent"), "a process id is a number above 0");
        }
        if selector.port == Some(0) {
            self.wrong(path.key("port"), "a port is a number from 1 to 65535");
        }
        if selector.name.as_ref().is_some_and(|name| name.len() > 15) {
            let help = "use `exe` or `token` for longer names";
            self.wrong_but(
                path.key("name"),
                "the kernel keeps 15 bytes of a name; this never matches",
                help,
            );
        }
        if selector.exe.as_ref().is_some_and(|exe| !exe.has_root()) {
            self.wrong(path.key("exe"), "the path must begin with `/`");
        }
        let texts = [
            ("name", &selector.name),
            ("token", &selector.token),
            ("user", &selector.user),
            ("cgroup", &selector.cgroup),
            ("unit", &selector.unit),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                self.text(path.key(field), text);
            }
        }
    }
}

/// The place of each name: itself when it stands alone, else the item of the list.
pub(super) fn places<'a>(path: &Path, names: &'a ServiceSelector) -> Vec<(Path, &'a str)> {
    let names = names.as_slice();
    let place = |index| if names.len() == 1 { path.clone() } else { path.item(index) };
    names.iter().enumerate().map(|(index, name)| (place(index), name.as_str())).collect()
}
