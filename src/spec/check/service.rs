//! Rules for services.

use indexmap::IndexMap;

use super::Check;
use crate::spec::mistakes::Place;
use crate::spec::path::Path;
use crate::spec::{Ready, Service};

impl Check<'_> {
    pub(super) fn services(&mut self) {
        for (name, service) in &self.experiment.services {
            let path = Path::of("services").key(name);
            self.name(Place::Key(path.clone()), name);
            self.service(&path, service);
        }
    }

    fn service(&mut self, path: &Path, service: &Service) {
        self.program(&path.key("command"), &service.command);
        self.environment(&path.key("environment"), &service.environment);
        if let Some(ready) = &service.ready {
            self.ready(&path.key("ready"), ready);
        }
    }

    fn ready(&mut self, path: &Path, ready: &Ready) {
        let fields = [
            ("http", ready.http.is_some()),
            ("tcp", ready.tcp.is_some()),
            ("command", ready.command.is_some()),
        ];
        self.exactly_one(path, &fields);
        self.above_zero(path.key("within"), ready.within);
        if let Some(http) = &ready.http {
            self.http(&path.key("http"), http);
        }
        if let Some(tcp) = &ready.tcp {
            self.tcp(&path.key("tcp"), tcp);
        }
        if let Some(command) = &ready.command {
            self.command(&path.key("command"), command);
        }
    }

    /// A program with its arguments.
    pub(super) fn program(&mut self, path: &Path, words: &[String]) {
        match words {
            [] => self.wrong(path.clone(), "the list is empty; the program is missing"),
            [program, ..] => self.text(path.item(0), program),
        }
    }

    /// The names of environment variables.
    pub(super) fn environment(&mut self, path: &Path, variables: &IndexMap<String, String>) {
        for name in variables.keys() {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty()
                || name.starts_with(|c: char| c.is_ascii_digit())
                || !name.chars().all(inner)
            {
                self.wrong_key(
                    path.key(name),
                    format!("`{name}` is no name of an environment variable"),
                );
            }
        }
    }
}
