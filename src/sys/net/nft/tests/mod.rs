//! Packet filters with real packets, in namespaces of the tests' own.

mod ownership;
mod packets;

use super::super::Namespace;
use super::super::testbed::privileged;
use super::{OwnedTable, supported};
use crate::act::{FilterRule, Hook};

const NAME: &str = "shakedown-test";

/// Whether the test can run here; says why when not.
fn possible() -> bool {
    if !privileged() {
        return false;
    }
    let support = supported().unwrap();
    if let Some(reason) = support.missing() {
        println!("skipped: this kernel cannot filter at an interface: {reason}");
    }
    support.missing().is_none()
}

fn rule(hook: Hook, peers: &[&str], ports: &[&str]) -> FilterRule {
    FilterRule {
        hook,
        peers: peers.iter().map(|text| text.parse().unwrap()).collect(),
        ports: ports.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

fn filter(namespace: &Namespace, rules: &[FilterRule]) -> OwnedTable {
    OwnedTable::create(namespace, NAME, rules, &["eth0".into()]).unwrap()
}

fn both(peers: &[&str], ports: &[&str]) -> [FilterRule; 2] {
    [rule(Hook::Ingress, peers, ports), rule(Hook::Egress, peers, ports)]
}
