//! One name: its addresses by all that a target's name servers say.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use super::configuration::Configuration;
use super::exchange;

/// How many aliases a name may have in a row.
const LONGEST_CHAIN: usize = 16;

/// What a name stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) addresses: BTreeSet<IpAddr>,
    /// How long that is true, by the shortest of all times to live.
    pub(super) ttl: Option<Duration>,
}

/// Asks for all addresses of a name, of both kinds. That only one kind can be learned is an error:
/// a fault for half of the addresses would be a smaller one than promised.
pub(super) fn lookup(configuration: &Configuration, name: &str) -> Result<Found> {
    for candidate in configuration.candidates(name) {
        let candidate = Name::from_ascii(format!("{candidate}."))
            .with_context(|| format!("`{candidate}` is no name"))?;
        let mut found = Found::default();
        for kind in [RecordType::A, RecordType::AAAA] {
            resolve(configuration, candidate.clone(), kind, &mut found)?;
        }
        if !found.addresses.is_empty() {
            return Ok(found);
        }
    }
    bail!("there is no such name")
}

/// Asks for the addresses of one kind, along all aliases.
fn resolve(
    configuration: &Configuration,
    mut name: Name,
    kind: RecordType,
    found: &mut Found,
) -> Result<()> {
    for _ in 0..LONGEST_CHAIN {
        let answer = ask_servers(configuration, &name, kind)?;
        let end = follow(&answer, &name, found);
        if end == name || collect(&answer, &end, found) {
            return Ok(());
        }
        // The server knows the alias, and not what it stands for.
        name = end;
    }
    bail!("{name} has more than {LONGEST_CHAIN} aliases in a row")
}

/// The answer of the first server that has one.
fn ask_servers(configuration: &Configuration, name: &Name, kind: RecordType) -> Result<Message> {
    let how = (configuration.timeout, configuration.tcp_only);
    let mut failed = None;
    for _ in 0..configuration.attempts {
        for server in &configuration.servers {
            let said = exchange::ask(*server, name, kind, how).and_then(|answer| {
                match answer.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain => Ok(answer),
                    code => bail!("{server} says to {name} {kind}: {code}"),
                }
            });
            match said {
                Ok(answer) => return Ok(answer),
                Err(error) => failed = Some(error),
            }
        }
    }
    Err(failed.context("there is no name server")?)
}

/// The end of the chain of aliases that begins with a name, as far as the answer tells. Takes the
/// addresses on the way there is none; those of the name itself are taken as well.
fn follow(answer: &Message, name: &Name, found: &mut Found) -> Name {
    let mut end = name.clone();
    for _ in 0..LONGEST_CHAIN {
        let alias = answer.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name == end => Some((alias.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((next, ttl)) = alias else { break };
        found.shorten(ttl);
        end = next;
    }
    if end == *name {
        collect(answer, name, found);
    }
    end
}

/// Takes the addresses of a name; whether there was any.
fn collect(answer: &Message, name: &Name, found: &mut Found) -> bool {
    let mut any = false;
    for record in answer.answers.iter().filter(|record| record.name == *name) {
        let address: IpAddr = match &record.data {
            RData::A(address) => address.0.into(),
            RData::AAAA(address) => address.0.into(),
            _ => continue,
        };
        any = true;
        found.addresses.insert(address);
        found.shorten(record.ttl);
    }
    any
}

impl Found {
    fn shorten(&mut self, seconds: u32) {
        let ttl = Duration::from_secs(seconds.into());
        self.ttl = Some(self.ttl.map_or(ttl, |known| known.min(ttl)));
    }
}
