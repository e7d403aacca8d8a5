//! Questions for names that are answered falsely.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Place, State, reverted, state, unchanged};
use crate::act::{DnsAnswer, Effect, FailDns, Flow, Hook, NamespaceId, Reverted, Traffic, Undo};
use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};
use crate::sys::net::Namespace;
use crate::sys::net::dns::{Counts, DnsServer, OUR_MARK};
use crate::sys::net::nft::{self, Action, OwnedTable, Plan};

/// The port of name servers.
const PORT: PortRange = PortRange { first: 53, last: 53 };
/// How long an undo waits for answers that are on their way.
const PATIENCE: Duration = Duration::from_millis(300);

/// A server of false answers in a namespace, and the redirect to it.
pub(in super::super) struct Misnamed {
    place: Place,
    table: OwnedTable,
    server: DnsServer,
    answer: DnsAnswer,
    before: State,
    /// Why the redirect did not match all the time.
    lapsed: Option<String>,
}

/// Whether this kernel can redirect questions so that the redirect ends with its holder.
pub(in super::super) fn check_dns() -> Result<()> {
    let action = Action::Divert { port: PORT.first, zone: 1 };
    match nft::supported()?.missing_for(action) {
        None => Ok(()),
        Some(missing) => bail!(
            "this kernel cannot redirect name lookups by an owned table: {missing}; \
             `shakedown doctor` says more"
        ),
    }
}

/// The undo of false answers.
pub(in super::super) fn undo_of_dns(namespace: &Namespace, table: String) -> Undo {
    Undo::ReleaseDns { namespace: namespace.id(), table }
}

/// Removes a redirect that a dead agent made; its server went with it.
pub(in super::super) fn release_dns(id: NamespaceId, table: &str) -> Result<Reverted> {
    super::drop_table(id, table)
}

impl Misnamed {
    /// Answers falsely from now on.
    pub(in super::super) fn start(place: Place, fault: &FailDns, undo: &Undo) -> Result<Self> {
        let Undo::ReleaseDns { table, .. } = undo else {
            bail!("the undo of false answers is none")
        };
        let before = state(&place.namespace)?;
        let server = DnsServer::start(&place.namespace, fault)?;
        crate::failpoint::hit("mid-apply");
        let traffic = questions(server.has_ipv6());
        let plan = Plan {
            traffic: &traffic,
            action: Action::Divert { port: server.port(), zone: server.zone() },
            cgroup: place.group.as_ref(),
            skip_mark: Some(OUR_MARK),
        };
        let table = OwnedTable::create(&place.namespace, table, &plan)?;
        Ok(Self { place, table, server, answer: fault.answer.clone(), before, lapsed: None })
    }

    /// What was asked and answered so far.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        if !self.table.present()? {
            return Ok(Effect::absent("the table is gone"));
        }
        if let Some(reason) = &self.lapsed {
            return Ok(Effect::absent(format!("the table did not match all the time: {reason}")));
        }
        if !self.server.runs() {
            return Ok(Effect::absent("the server of false answers has ended"));
        }
        Ok(self.place.qualified(described(&self.answer, &self.server.counts())))
    }

    /// When the redirect must be renewed.
    pub(in super::super) const fn next_moment(&self) -> Duration {
        self.table.renewal()
    }

    /// Renews it if it is time.
    pub(in super::super) fn tick(&mut self, now: Duration) {
        if self.table.renewal() <= now
            && let Err(error) = self.table.renew()
        {
            // Whatever it does from now on, it did not hold all the time.
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Lets questions reach their name servers, and looks that the namespace is as it was.
    pub(in super::super) fn stop(self) -> Result<Reverted> {
        self.server.drain(PATIENCE);
        let removed = self.table.remove()?;
        crate::failpoint::hit("mid-undo");
        drop(self.server);
        unchanged(&self.before, &self.place.namespace)?;
        Ok(reverted(removed))
    }
}

/// What the namespace sends to name servers, on every interface, `lo` as well: many have a name
/// server of their own there. Those at link-local addresses cannot be told from the answers'
/// side, and are left alone.
fn questions(has_ipv6: bool) -> Traffic {
    let local: IpNetwork = IpNetwork { address: [0xfe80, 0, 0, 0, 0, 0, 0, 0].into(), prefix: 10 };
    let six = IpNetwork { address: [0_u16; 8].into(), prefix: 0 };
    let except = if has_ipv6 { local } else { six };
    Traffic {
        hooks: vec![Hook::Egress],
        flow: Flow {
            remote_ports: vec![PORT],
            protocols: vec![Protocol::Tcp, Protocol::Udp],
            ..Flow::default()
        },
        except: vec![Flow { networks: vec![except], ..Flow::default() }],
        interfaces: Vec::new(),
    }
}

fn described(answer: &DnsAnswer, counts: &Counts) -> Effect {
    let Counts { seen, failed, lost, last } = counts;
    let lost = if *lost == 0 { String::new() } else { format!(", {lost} lost: too many waited") };
    let questions = if *seen == 1 { "question" } else { "questions" };
    match last {
        None if *seen == 0 => Effect::pending("in place, no name was asked for yet"),
        None => Effect::pending(format!("in place, none of {seen} {questions} met it{lost}")),
        Some(last) => {
            let done = answer.done();
            Effect::proved(format!("{failed} of {seen} {questions} {done}, last {last}{lost}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_told_with_the_last_name() {
        let counts = |seen, failed| Counts {
            seen,
            failed,
            lost: 0,
            last: (failed > 0).then(|| "db.example A".to_owned()),
        };
        let told = |counts| described(&DnsAnswer::Nxdomain, &counts).evidence;
        insta::assert_snapshot!(told(counts(0, 0)), @"in place, no name was asked for yet");
        insta::assert_snapshot!(told(counts(1, 0)), @"in place, none of 1 question met it");
        insta::assert_snapshot!(told(counts(5, 2)), @"2 of 5 questions answered NXDOMAIN, last db.example A");
    }
}
