//! Packets that do not match lose nothing while a fault is put, held and taken away by tables. Where
//! the kernel has none, it swaps the interface's root, and drops what is sent in the meantime
//! (`qdisc_graft` in `net/sched/sch_api.c`: `dev_deactivate`, for an ingress and a clsact, too); the
//! tests say how much that is.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::super::netem::{self, Netem};
use super::super::tbf::{self, Tbf};
use super::super::testbed::{Pair, ping, privileged, wait_until};
use super::super::{Removed, Support};
use super::fixture::{Shaper, sent};
use super::*;
use crate::act::Flow;
use crate::spec::quantity::PortRange;

const PACE: Duration = Duration::from_millis(1);
const ROUNDS: u32 = 20;

/// Sends numbered packets at 1 kHz to a port that does not match, both ways, until it is told to
/// stop; how many were sent and how many arrived.
fn bystanders(from: &Namespace, to: &Namespace, address: &str, stop: &AtomicBool) -> (u32, u32) {
    let receiver = to.run_in(|| UdpSocket::bind(address).unwrap()).unwrap();
    setsockopt(&receiver, sockopt::RcvBufForce, &(4 << 20)).unwrap();
    receiver.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let sender = from.run_in(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    let (begin, mut count) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        thread::sleep((PACE * count).saturating_sub(begin.elapsed()));
        sender.send(&count.to_ne_bytes()).unwrap();
        count += 1;
    }
    let mut arrived = 0;
    while arrived < count && receiver.recv(&mut [0; 4]).is_ok() {
        arrived += 1;
    }
    (count, arrived)
}

/// Packets sent, and lost.
type Count = (u32, u32);

/// Runs something beside bystanders in both directions.
fn beside(pair: &Pair, act: impl FnOnce()) -> Count {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let out = scope.spawn(|| bystanders(&pair.near, &pair.far, "10.9.0.2:81", &stop));
        let back = scope.spawn(|| bystanders(&pair.far, &pair.near, "10.9.0.1:81", &stop));
        thread::sleep(Duration::from_millis(30));
        act();
        thread::sleep(Duration::from_millis(30));
        stop.store(true, Ordering::Relaxed);
        let both = [out.join().unwrap(), back.join().unwrap()];
        both.iter()
            .fold((0, 0), |(sent, lost), (count, arrived)| (sent + count, lost + (count - arrived)))
    })
}

/// Puts and takes away a fault some times beside bystanders, then holds it; what was lost of them.
fn lost_beside(discipline: &Discipline) -> (Count, Count) {
    let pair = Pair::new();
    assert!(wait_until(|| ping(&pair.near, "10.9.0.2")).is_some());
    let flow = Flow { ports: vec![PortRange { first: 80, last: 80 }], ..Flow::default() };
    let hooks = vec![Hook::Ingress, Hook::Egress];
    let shaper = Shaper::new(&pair.near, &Traffic { hooks, ..sent(flow) });
    let swapped = beside(&pair, || {
        for _ in 0..ROUNDS {
            shaper.add(discipline);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(shaper.remove(), Removed::Deleted);
            thread::sleep(Duration::from_millis(20));
        }
    });
    shaper.add(discipline);
    (swapped, beside(&pair, || thread::sleep(Duration::from_secs(1))))
}

fn check(name: &str, support: Support, discipline: &Discipline) {
    if let Support::Missing { reason } = support {
        println!("skipped: this kernel has no {name}: {reason}");
        return;
    }
    let ((sent, lost), (held_sent, held_lost)) = lost_beside(discipline);
    println!(
        "{name}: {lost} of {sent} bystanders lost while it was put and taken away {ROUNDS} times, \
         {held_lost} of {held_sent} while it was held"
    );
    assert_eq!(held_lost, 0);
    if diversion::possible().unwrap() {
        assert_eq!(lost, 0);
    } else {
        println!("these are swaps of roots: the kernel has no table for it");
        // Four swaps a round: a packet of each would be a gap of a millisecond.
        assert!(lost < 4 * ROUNDS, "{lost}");
    }
}

#[test]
fn bystanders_of_tbf_lose_nothing() {
    if privileged() {
        let tbf = Tbf { rate: 10_000, burst: 2000, limit: 10_000 };
        check("tbf", tbf::supported().unwrap(), &Discipline::Tbf(tbf));
    }
}

#[test]
fn bystanders_of_netem_lose_nothing() {
    if privileged() {
        let netem = Netem { delay: Duration::from_millis(100), ..Netem::default() };
        check("netem", netem::supported().unwrap(), &Discipline::Netem(netem));
    }
}
