//! Chains with real packets, in namespaces of the tests' own; the names hold `netem` where the lab
//! machine is to run them, too.

use super::super::nft::{Action, Chance, Plan};
use super::super::testbed::{Pair, Server, ping, privileged, run, stdout, tcp, udp};
use super::super::{Removed, Support};
use super::{Chains, remove, supported};
use crate::act::{Flow, Hook, Traffic};

const NAME: &str = "SD_20261120-101010-abcd_12";

fn possible_to(action: Action) -> bool {
    privileged()
        && match supported(action).unwrap() {
            Support::Supported => true,
            Support::Missing { reason } => {
                println!("skipped: no iptables here: {reason}");
                false
            }
        }
}

fn both(peers: &[&str], ports: &[&str]) -> Traffic {
    let networks = peers.iter().map(|text| text.parse().unwrap()).collect();
    let ports = ports.iter().map(|text| text.parse().unwrap()).collect();
    Traffic {
        hooks: vec![Hook::Ingress, Hook::Egress],
        flow: Flow { networks, ports, ..Flow::default() },
        except: vec![],
        interfaces: vec![],
    }
}

const fn plan(traffic: &Traffic, action: Action) -> Plan<'_> {
    Plan { traffic, action, cgroup: None, skip_mark: None }
}

fn listed(pair: &Pair) -> String {
    let list = |program| stdout(&run(&pair.near, program, &[]));
    let all = [list("iptables-legacy-save"), list("ip6tables-legacy-save")].concat();
    let rules = all.lines().filter(|line| line.starts_with("-A") || line.starts_with(":SD"));
    rules.collect::<Vec<_>>().join("\n")
}

#[test]
fn as_without_netem_a_partition_comes_and_goes() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let server = Server::start(&pair.far, 7000);
    stdout(&run(&pair.near, "iptables-legacy", &["-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP"]));
    let before = listed(&pair);
    let traffic =
        Traffic { except: both(&["10.9.0.3"], &[]).except, ..both(&["10.9.0.2", "fd09::2"], &[]) };
    let chains = Chains::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap();
    assert!(chains.present(&pair.near).unwrap());
    for to in ["10.9.0.2", "fd09::2"] {
        assert!(!udp(&pair.near, to, server.port) && !ping(&pair.near, to), "{to}");
    }
    assert!(udp(&pair.near, "10.9.0.3", server.port));
    assert!(chains.counters(&pair.near).unwrap().packets >= 4);
    let again = Chains::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    assert_eq!(remove(&pair.near, NAME).unwrap(), Removed::Deleted);
    assert_eq!(remove(&pair.near, NAME).unwrap(), Removed::AlreadyGone);
    assert!(!chains.present(&pair.near).unwrap());
    assert_eq!(listed(&pair), before);
    assert!(udp(&pair.near, "fd09::2", server.port));
}

#[test]
fn as_without_netem_a_reset_is_seen_at_once() {
    if !possible_to(Action::Reset) {
        return;
    }
    let pair = Pair::new();
    let _servers = [Server::start(&pair.far, 7000), Server::start(&pair.near, 7000)];
    let traffic = both(&[], &["7000"]);
    Chains::create(&pair.near, NAME, &plan(&traffic, Action::Reset)).unwrap();
    let start = std::time::Instant::now();
    for (from, to) in [
        (&pair.near, "10.9.0.2"),
        (&pair.near, "fd09::2"),
        (&pair.far, "10.9.0.1"),
        (&pair.far, "fd09::1"),
    ] {
        assert!(!tcp(from, to, 7000), "{to}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(remove(&pair.near, NAME).unwrap(), Removed::Deleted);
    assert!(tcp(&pair.near, "fd09::2", 7000) && tcp(&pair.far, "10.9.0.1", 7000));
}

#[test]
fn as_without_netem_every_fourth_is_lost() {
    let action = Action::Lose(Chance::Every(4));
    if !possible_to(action) {
        return;
    }
    let pair = Pair::new();
    let receiver = pair.far.run_in(|| std::net::UdpSocket::bind("10.9.0.2:7000").unwrap()).unwrap();
    receiver.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    let sender = pair.near.run_in(|| std::net::UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    assert!(super::super::testbed::wait_until(|| ping(&pair.near, "10.9.0.2")).is_some());
    let chains = Chains::create(&pair.near, NAME, &plan(&both(&[], &["7000"]), action)).unwrap();
    for number in 0..40u8 {
        sender.send_to(&[number], "10.9.0.2:7000").unwrap();
    }
    let mut arrived = Vec::new();
    let mut byte = [0];
    while receiver.recv_from(&mut byte).is_ok() {
        arrived.push(byte[0]);
    }
    assert_eq!(arrived, (0..40).filter(|number| number % 4 != 3).collect::<Vec<u8>>());
    let counters = chains.counters(&pair.near).unwrap();
    assert_eq!((counters.matched, counters.packets), (40, 10));
    assert_eq!(remove(&pair.near, NAME).unwrap(), Removed::Deleted);
}
