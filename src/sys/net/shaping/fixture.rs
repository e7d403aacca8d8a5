//! An interface of a test's namespace, shaped.

use std::cell::RefCell;

use super::super::tbf::Tbf;
use super::super::testbed::{run, stdout};
use super::super::{Namespace, snapshot};
use super::*;
use crate::act::Flow;

const HANDLE: u16 = 0x5d01;

/// What shapes `eth0`.
pub(in crate::sys::net) struct Shaper<'a> {
    pub(in crate::sys::net) socket: RouteSocket,
    pub(in crate::sys::net) interface: ShapedInterface,
    namespace: &'a Namespace,
    traffic: Traffic,
    held: RefCell<Vec<Diversion>>,
}

/// Every packet that is sent.
pub(in crate::sys::net) fn everything() -> Traffic {
    sent(Flow::default())
}

/// What is sent of a flow.
pub(in crate::sys::net) fn sent(flow: Flow) -> Traffic {
    let interfaces = vec!["eth0".to_owned()];
    Traffic { hooks: vec![Hook::Egress], flow, except: Vec::new(), interfaces }
}

/// Runs tc with the words of a line.
pub(in crate::sys::net) fn tc(namespace: &Namespace, line: &str) -> String {
    stdout(&run(namespace, "tc", &line.split(' ').collect::<Vec<_>>()))
}

/// All that tc says of a namespace, but for counters.
pub(in crate::sys::net) fn listing(namespace: &Namespace) -> String {
    let devices = ["qdisc show", "class show dev eth0", "filter show dev eth0"];
    let ingress = ["filter show dev eth0 ingress", "filter show dev eth0 egress"];
    let lines = devices.iter().chain(&ingress);
    let mut all: Vec<_> = lines.map(|line| tc(namespace, &format!("-d {line}"))).collect();
    all.extend(snapshot(namespace).unwrap().iter().map(|(key, value)| format!("{key} {value}")));
    all.push(stdout(&run(namespace, "ip", &["-d", "link", "show"])));
    all.join("\n")
}

impl<'a> Shaper<'a> {
    pub(in crate::sys::net) fn new(namespace: &'a Namespace, traffic: &Traffic) -> Self {
        let socket = RouteSocket::open(namespace).unwrap();
        let interface = select(&socket, traffic, HANDLE).unwrap().remove(0);
        Self { socket, interface, namespace, traffic: traffic.clone(), held: RefCell::default() }
    }

    pub(in crate::sys::net) fn try_add(&self, discipline: &Discipline) -> Result<(), AddError> {
        let stepped = || {};
        let Self { namespace, traffic, .. } = self;
        let shaping = Shaping { namespace, handle: HANDLE, traffic, discipline, stepped };
        let held = add(&self.socket, &self.interface, &shaping)?;
        self.held.borrow_mut().extend(held);
        Ok(())
    }

    pub(in crate::sys::net) fn add(&self, discipline: &Discipline) {
        self.try_add(discipline).unwrap();
        assert!(self.all().iter().all(|found| discipline.agrees(found)));
    }

    /// Our disciplines, those for what is sent first.
    pub(in crate::sys::net) fn all(&self) -> Vec<QdiscInfo> {
        let found = read(&self.socket, &self.interface, HANDLE).unwrap();
        found.into_iter().map(Option::unwrap).collect()
    }

    pub(in crate::sys::net) fn read(&self) -> QdiscInfo {
        self.all().remove(0)
    }

    pub(in crate::sys::net) fn remove(&self) -> Removed {
        self.held.take().into_iter().for_each(|held| held.end().unwrap());
        remove(&self.socket, &self.interface, HANDLE).unwrap()
    }

    /// Asserts that it is refused because of what is there, and nothing is changed.
    #[track_caller]
    pub(in crate::sys::net) fn is_refused(&self, found: &str) {
        let limit = Tbf { rate: 1_000_000, burst: 10_000, limit: 20_000 };
        let error = self.try_add(&Discipline::Tbf(limit)).unwrap_err();
        assert!(matches!(&error, AddError::Foreign { found: it, .. } if it == found), "{error}");
        let _ = self.remove();
    }
}
