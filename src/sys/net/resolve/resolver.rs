//! Many names at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::super::Namespace;
use super::configuration::Configuration;
use super::hosts;
use super::lookup::{Found, lookup};
use super::root::Root;
use crate::sys::process::Process;

/// How many names are asked for at the same time.
const AT_ONCE: usize = 16;

/// A target's way to resolve names.
#[derive(Debug)]
pub struct Resolver {
    root: Root,
}

/// What names stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Each name with its addresses, at least one.
    pub addresses: BTreeMap<String, BTreeSet<IpAddr>>,
    /// How long that is true, by what the name servers say; `None` if no name server was asked.
    pub ttl: Option<Duration>,
}

impl Resolver {
    /// The way of a process: its files are read anew each time, since they may change.
    pub fn open(process: &Process) -> Result<Self> {
        Root::of(process).map(|root| Self { root })
    }

    #[cfg(test)]
    pub(super) const fn with(root: Root) -> Self {
        Self { root }
    }

    /// All addresses, IPv4 and IPv6, of all names, asked for in the target's network namespace.
    /// A name without any is an error, and so is a name server that does not answer. Takes a few
    /// seconds at worst.
    pub fn resolve(&self, namespace: &Namespace, names: &[String]) -> Result<Resolved> {
        namespace.run_in(|| self.resolve_here(names))?
    }

    /// The same in the namespace of the calling thread.
    pub(super) fn resolve_here(&self, names: &[String]) -> Result<Resolved> {
        let file = |path: &str| Ok::<_, anyhow::Error>(self.root.read(path)?.unwrap_or_default());
        let list = file("etc/hosts")?;
        let configuration = Configuration::read(&file("etc/resolv.conf")?);
        let mut resolved = Resolved::default();
        for chunk in names.chunks(AT_ONCE) {
            for (name, found) in chunk.iter().zip(all(&list, &configuration, chunk)) {
                let found = found.with_context(|| format!("cannot resolve the peer `{name}`"))?;
                resolved.ttl = [resolved.ttl, found.ttl].into_iter().flatten().min();
                resolved.addresses.insert(name.clone(), found.addresses);
            }
        }
        Ok(resolved)
    }
}

/// Resolves names side by side; threads are in the namespace of the one that starts them.
fn all(list: &str, configuration: &Configuration, names: &[String]) -> Vec<Result<Found>> {
    thread::scope(|scope| {
        let started: Vec<_> =
            names.iter().map(|name| scope.spawn(|| one(list, configuration, name))).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("the resolver failed")))
            .collect()
    })
}

fn one(list: &str, configuration: &Configuration, name: &str) -> Result<Found> {
    if let Ok(address) = name.parse() {
        return Ok(Found { addresses: BTreeSet::from([address]), ttl: None });
    }
    let addresses = hosts::addresses(list, name);
    if addresses.is_empty() {
        return lookup(configuration, name);
    }
    Ok(Found { addresses, ttl: None })
}

impl Resolved {
    /// Adds what is new; whether anything was. Nothing is taken away: a name that points elsewhere
    /// now has clients that are still connected to where it pointed before.
    pub(super) fn add(&mut self, newer: Self) -> bool {
        self.ttl = newer.ttl;
        let mut grown = false;
        for (name, addresses) in newer.addresses {
            let known = self.addresses.entry(name).or_default();
            let before = known.len();
            known.extend(addresses);
            grown |= known.len() > before;
        }
        grown
    }

    /// Each name with its addresses, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let lines = self.addresses.iter().map(|(name, addresses)| {
            let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            match list.as_slice() {
                [one] => format!("1 address for {name}: {one}"),
                list => format!("{} addresses for {name}: {}", list.len(), list.join(", ")),
            }
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}
