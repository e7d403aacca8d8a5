//! What does not match loses nothing, whatever is done to what does.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::super::testbed::{Pair, ping, run, stdout, udp, wait_until};
use super::super::{Action, Chance, LEASE, OwnedTable, Plan};
use super::{NAME, both, drop_all, flow, one, plan, possible_to, put};
use crate::act::{Hook, Traffic};

/// Sends a thousand packets a second while something goes on; returns how many were sent and how
/// many arrived.
fn flow_during(pair: &Pair, goes_on: impl FnOnce()) -> (u32, u32) {
    let receiver = pair.far.run_in(|| UdpSocket::bind("10.9.0.2:9000").unwrap()).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    // A new cable may take a moment until it carries anything.
    wait_until(|| ping(&pair.near, "10.9.0.2")).unwrap();
    let sender = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:9000").unwrap()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| {
            let (start, mut sent) = (Instant::now(), 0);
            while !done.load(Ordering::Relaxed) {
                sender.send_to(&[0], "10.9.0.2:9000").unwrap();
                sent += 1;
                let due = start + Duration::from_millis(sent.into());
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            sent
        });
        let arrived = scope.spawn(|| {
            let mut arrived = 0;
            while receiver.recv_from(&mut [0]).is_ok() {
                arrived += 1;
            }
            arrived
        });
        goes_on();
        done.store(true, Ordering::Relaxed);
        (sent.join().unwrap(), arrived.join().unwrap())
    })
}

#[test]
fn a_bystander_loses_nothing() {
    for action in [
        Action::Drop,
        Action::Lose(Chance::Every(2)),
        Action::Reset,
        Action::Icmp,
        Action::Queue { ingress: 60, egress: 61 },
        Action::Redirect { port: 1 },
    ] {
        if !possible_to(action) {
            return;
        }
        let pair = Pair::new();
        let (sent, arrived) = flow_during(&pair, || {
            for round in 0..15u16 {
                let first = both(&["10.9.0.3", "fd09::/64"], &["7000"]);
                let mut table = put(&pair.near, &first, action);
                let port = format!("{}", 7000 + round);
                let next = both(&["10.9.0.0/24"], &[&port]);
                table.update(&pair.near, &plan(&next, action)).unwrap();
                table.renew().unwrap();
                std::thread::sleep(Duration::from_millis(5));
                table.remove().unwrap();
            }
        });
        println!("{action:?}: {arrived} of {sent} bystanders arrived");
        assert_eq!(sent, arrived, "{action:?}");
        assert!(sent > 50, "{sent}");
    }
}

#[test]
fn rules_lapse_when_nobody_renews_them() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let _server = super::super::super::testbed::Server::start(&pair.far, 7000);
    let table = drop_all(&pair.near, &both(&[], &["7000"]));
    let start = Instant::now();
    assert!(!udp(&pair.near, "10.9.0.2", 7000));
    assert!(wait_until(|| udp(&pair.near, "10.9.0.2", 7000)).is_some());
    let lapsed = start.elapsed();
    assert!(lapsed + Duration::from_millis(200) >= LEASE, "{lapsed:?}");
    let said = table.renew().unwrap_err().to_string();
    assert!(said.contains("packets passed"), "{said}");
    table.renew().unwrap();
    assert!(!udp(&pair.near, "10.9.0.2", 7000));
}

/// Field failure D24: what we except, others may still drop.
#[test]
fn an_exception_opens_no_foreign_filter() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let _server = super::super::super::testbed::Server::start(&pair.far, 7000);
    let policy = "table inet theirs { chain out { type filter hook output priority 0; \
                  ip daddr 10.9.0.2 drop; }; }";
    stdout(&run(&pair.near, "nft", &[policy]));
    for action in [Action::Drop, Action::Reset, Action::Queue { ingress: 62, egress: 63 }] {
        let traffic = Traffic { except: vec![flow(&["10.9.0.0/24"], &[])], ..both(&[], &[]) };
        let table = put(&pair.near, &traffic, action);
        let socket = pair.near.run_in(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
        assert!(socket.send_to(&[0], "10.9.0.2:7000").is_err(), "theirs still refuses");
        assert!(udp(&pair.near, "10.9.0.3", 7000), "ours lets pass");
        table.remove().unwrap();
    }
}

#[test]
fn what_is_marked_is_left_alone_and_loses_the_mark() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let bit = 1 << 26;
    let counter = "table inet theirs { chain out { type filter hook output priority -600; \
                   meta mark set 0x4000001; }; }";
    let server = super::super::super::testbed::Server::start(&pair.far, 7000);
    let traffic = one(Hook::Egress, &[], &[]);
    let plan = Plan { traffic: &traffic, action: Action::Drop, cgroup: None, skip_mark: Some(bit) };
    let table = OwnedTable::create(&pair.near, NAME, &plan).unwrap();
    assert!(!udp(&pair.near, "10.9.0.2", server.port));
    stdout(&run(&pair.near, "nft", &[counter]));
    assert!(udp(&pair.near, "10.9.0.2", server.port));
    table.remove().unwrap();
}

#[test]
fn too_many_networks_are_refused_at_once() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let mut traffic = both(&[], &[]);
    traffic.flow.networks = vec!["10.0.0.1".parse().unwrap(); super::super::MOST_NETWORKS + 1];
    let error = OwnedTable::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap_err();
    assert!(error.to_string().contains("65537 addresses"), "{error}");
    traffic.flow = crate::act::Flow { hosts: vec!["db.internal".into()], ..Default::default() };
    let error = OwnedTable::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap_err();
    insta::assert_snapshot!(error, @"no address is known of db.internal");
}
