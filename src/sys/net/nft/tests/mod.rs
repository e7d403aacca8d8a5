//! Packet filters with real packets, in namespaces of the tests' own.

mod actions;
mod bystanders;
mod groups;
mod loss;
mod matching;
mod ownership;
mod packets;

use super::super::Namespace;
use super::super::testbed::privileged;
use super::{Action, OwnedTable, Plan, supported};
use crate::act::{Flow, Hook, Traffic};

const NAME: &str = "shakedown-test";

/// Whether the test can run here; says why when not.
fn possible() -> bool {
    possible_to(Action::Drop)
}

/// Whether a test of this action can run here; says why when not.
fn possible_to(action: Action) -> bool {
    if !privileged() {
        return false;
    }
    let support = supported().unwrap();
    if let Some(reason) = support.missing_for(action) {
        println!("skipped: this kernel cannot {action:?}: {reason}");
    }
    support.missing_for(action).is_none()
}

fn flow(peers: &[&str], ports: &[&str]) -> Flow {
    Flow {
        networks: peers.iter().map(|text| text.parse().unwrap()).collect(),
        ports: ports.iter().map(|text| text.parse().unwrap()).collect(),
        ..Flow::default()
    }
}

fn traffic(hooks: &[Hook], flow: Flow) -> Traffic {
    Traffic { hooks: hooks.into(), flow, except: vec![], interfaces: vec![] }
}

fn both(peers: &[&str], ports: &[&str]) -> Traffic {
    traffic(&[Hook::Ingress, Hook::Egress], flow(peers, ports))
}

fn one(hook: Hook, peers: &[&str], ports: &[&str]) -> Traffic {
    traffic(&[hook], flow(peers, ports))
}

const fn plan(traffic: &Traffic, action: Action) -> Plan<'_> {
    Plan { traffic, action, cgroup: None, skip_mark: None }
}

fn put(namespace: &Namespace, traffic: &Traffic, action: Action) -> OwnedTable {
    OwnedTable::create(namespace, NAME, &plan(traffic, action)).unwrap()
}

fn drop_all(namespace: &Namespace, traffic: &Traffic) -> OwnedTable {
    put(namespace, traffic, Action::Drop)
}
