//! What reading a file depends on, beside its text, and the scope that follows from both.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path as FilePath, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use super::interpolate::Scope;
use super::mistakes::{Mistake, Place};
use super::nearest;
use super::node::Node;
use super::path::Path;
use super::quantity::IpNetwork;
use super::{Network, Secret, Variable, addressing};

/// What reading a file depends on. The effects (environment, files) are passed in.
pub struct Context<'a> {
    /// `--var name=value`.
    pub overrides: BTreeMap<String, String>,
    /// Reads an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that a variable names.
    pub read_file: &'a dyn Fn(&FilePath) -> io::Result<String>,
    /// The path of this program: `${shakedown}`.
    pub binary: PathBuf,
    /// The networks of services with `network: own`, at most one for each version of IP; see
    /// [`addressing`].
    pub subnets: Vec<IpNetwork>,
}

impl Context<'_> {
    /// Everything `${…}` can stand for in this file.
    pub(super) fn scope(&self, root: &Node) -> Result<Scope, Vec<Mistake>> {
        let variables: IndexMap<String, Variable> = section(root, "variables")?;
        let secrets: IndexMap<String, Secret> = section(root, "secrets")?;
        let mut mistakes = self.unknown_overrides(&variables);
        let mut scope = Scope::default();
        for (name, variable) in &variables {
            match self.value(name, variable) {
                Ok(value) => drop(scope.values.insert(name.clone(), value)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        scope.references = secrets.keys().map(|name| format!("secret.{name}")).collect();
        scope.references.push("run.dir".to_owned());
        scope.values.insert("shakedown".to_owned(), self.binary.to_string_lossy().into_owned());
        self.add_addresses(root, &mut scope, &mut mistakes);
        if mistakes.is_empty() { Ok(scope) } else { Err(mistakes) }
    }

    fn unknown_overrides(&self, variables: &IndexMap<String, Variable>) -> Vec<Mistake> {
        let unknown = self.overrides.keys().filter(|name| !variables.contains_key(*name));
        let mistake = |name: &String| {
            let message =
                format!("`--var {name}=…` sets a variable that the file does not declare");
            let hint = nearest::hint(name, variables.keys().map(String::as_str));
            Mistake::new(Place::Nowhere, message)
                .help(hint.or_else(|| Some("the file declares none".to_owned())))
        };
        unknown.map(mistake).collect()
    }

    fn value(&self, name: &str, variable: &Variable) -> Result<String, Mistake> {
        let path = Path::of("variables").key(name);
        if let Some(value) = self.overrides.get(name) {
            return clean(value, path);
        }
        if let Some(value) = variable.env.as_ref().and_then(|env| (self.environment)(env)) {
            return clean(&value, path.key("env"));
        }
        if let Some(file) = &variable.file {
            match (self.read_file)(file) {
                Ok(text) => {
                    return clean(text.lines().next().unwrap_or_default(), path.key("file"));
                }
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && variable.default.is_some() => {}
                Err(error) => {
                    let message = format!("`{}` cannot be read: {error}", file.display());
                    return Err(Mistake::at(path.key("file"), message));
                }
            }
        }
        match &variable.default {
            Some(serde_json::Value::String(text)) => Ok(text.clone()),
            Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                Ok(value.to_string())
            }
            Some(_) => {
                Err(Mistake::at(path.key("default"), "a variable is a text, a number or a boolean"))
            }
            None => Err(no_value(name, variable, path)),
        }
    }

    /// `${service.NAME.address}`, and `.address6` for IPv6. Chosen addresses may hold variables.
    fn add_addresses(&self, root: &Node, scope: &mut Scope, mistakes: &mut Vec<Mistake>) {
        let mut networks = IndexMap::new();
        for (name, service) in root.get("services").into_iter().flat_map(Node::entries) {
            let path = Path::of("services").key(name).key("network");
            match network(service, &path, scope) {
                Ok(network) => drop(networks.insert(name.to_owned(), network)),
                Err(found) => mistakes.extend(found),
            }
        }
        let all = match addressing(&networks, &self.subnets) {
            Ok(all) => all.services,
            Err((name, why)) => {
                let path = Path::of("services").key(&name).key("network");
                return mistakes.push(Mistake::at(path, why.to_string()));
            }
        };
        for (name, addresses) in all {
            let mut add = |key: &str, found: Option<&IpNetwork>| {
                let value = found.map(|found| found.address.to_string());
                value.map(|value| scope.values.insert(format!("service.{name}.{key}"), value));
            };
            add("address", addresses.first());
            add("address6", addresses.iter().find(|it| it.address.is_ipv6()));
            if addresses.is_empty() {
                scope.without_address.push(name);
            }
        }
    }
}

/// The network of a service, read before the rest of it.
fn network(service: &Node, path: &Path, scope: &Scope) -> Result<Network, Vec<Mistake>> {
    let Some(node) = service.get("network") else { return Ok(Network::default()) };
    let node = scope.filled(node, path)?;
    Network::deserialize(&node).map_err(|complaint| vec![complaint.below(path)])
}

/// A declaring section of the file, read before the rest; empty if it is not there.
fn section<T: for<'de> Deserialize<'de> + Default>(
    root: &Node,
    key: &str,
) -> Result<T, Vec<Mistake>> {
    let Some(node) = root.get(key) else { return Ok(T::default()) };
    T::deserialize(node).map_err(|complaint| vec![complaint.below(&Path::of(key))])
}

fn clean(value: &str, path: Path) -> Result<String, Mistake> {
    if value.contains('\0') {
        return Err(Mistake::at(path, "the value of this variable holds a NUL character"));
    }
    Ok(value.to_owned())
}

fn no_value(name: &str, variable: &Variable, path: Path) -> Mistake {
    let sources = match &variable.env {
        Some(env) => format!("set the environment variable {env}, or give `--var {name}=…`"),
        None => format!("give `--var {name}=…`, or the variable a `default`"),
    };
    Mistake::new(Place::Key(path), format!("the variable `{name}` has no value")).help(sources)
}
