//! What is dropped, and what is not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::super::super::testbed::{
    PATIENCE, Pair, Server, ping, run, stdout, tcp, udp, wait_until,
};
use super::super::super::{Removed, snapshot};
use super::super::OwnedTable;
use super::{both, drop_all, one, possible};
use crate::act::Hook;

#[test]
fn a_partition_cuts_everything_and_ends_with_its_table() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let server = Server::start(&far, 7000);
    let port = server.port;
    let before = snapshot(&near).unwrap();
    let reach = |table: Option<&OwnedTable>| {
        let renewed = |probe: &dyn Fn() -> bool| {
            table.map(OwnedTable::renew).transpose().unwrap();
            probe()
        };
        for to in ["10.9.0.2", "fd09::2"] {
            assert_eq!(renewed(&|| tcp(&near, to, port)), table.is_none(), "tcp {to}");
            assert_eq!(renewed(&|| udp(&near, to, port)), table.is_none(), "udp {to}");
            assert_eq!(renewed(&|| ping(&near, to)), table.is_none(), "ping {to}");
        }
    };
    reach(None);
    let table = drop_all(&near, &both(&[], &[]));
    assert!(table.present().unwrap());
    assert_eq!(table.counters().unwrap().packets, 0);
    reach(Some(&table));
    let counters = table.counters().unwrap();
    assert!(counters.packets >= 6 && counters.bytes >= counters.packets * 20, "{counters:?}");
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
    reach(None);
    assert_eq!(snapshot(&near).unwrap(), before);
}

#[test]
fn neighbours_are_found_through_a_partition() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let _table = drop_all(&near, &both(&[], &[]));
    for to in ["10.9.0.1", "fd09::1"] {
        assert!(!ping(&far, to));
    }
    let neighbours = stdout(&run(&far, "ip", &["neigh", "show", "dev", "eth0"]));
    for address in ["10.9.0.1 ", "fd09::1 "] {
        let line = neighbours.lines().find(|line| line.starts_with(address)).unwrap();
        assert!(line.contains("lladdr"), "{neighbours}");
    }
}

#[test]
fn one_way_is_one_way() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let receiver = far.run_in(|| UdpSocket::bind("10.9.0.2:7000").unwrap()).unwrap();
    receiver.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let sender = near.run_in(|| UdpSocket::bind("10.9.0.1:7001").unwrap()).unwrap();
    sender.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let there = || {
        sender.send_to(b"x", "10.9.0.2:7000").unwrap();
        receiver.recv_from(&mut [0; 4]).is_ok()
    };
    let back = || {
        receiver.send_to(b"x", "10.9.0.1:7001").unwrap();
        sender.recv_from(&mut [0; 4]).is_ok()
    };
    // A new cable may take a moment until it carries the first question for an address.
    assert!(wait_until(there).is_some() && back());
    let egress = drop_all(&near, &one(Hook::Egress, &[], &[]));
    assert!(!there() && back());
    assert_eq!(egress.remove().unwrap(), Removed::Deleted);
    let ingress = drop_all(&near, &one(Hook::Ingress, &[], &[]));
    assert!(there() && !back());
    assert_eq!(ingress.remove().unwrap(), Removed::Deleted);
    assert!(there() && back());
}

#[test]
fn an_open_connection_stalls_and_goes_on() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let listener = far.run_in(|| TcpListener::bind("10.9.0.2:7000").unwrap()).unwrap();
    let mut sender = near.run_in(|| TcpStream::connect("10.9.0.2:7000").unwrap()).unwrap();
    let (mut receiver, _) = listener.accept().unwrap();
    let mut arrives = |within: Duration| {
        receiver.set_read_timeout(Some(within)).unwrap();
        receiver.read(&mut [0; 4]).is_ok()
    };
    sender.write_all(b"x").unwrap();
    assert!(arrives(PATIENCE));
    let table = drop_all(&near, &both(&[], &[]));
    sender.write_all(b"x").unwrap();
    assert!(!arrives(PATIENCE));
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
    assert!(arrives(Duration::from_secs(10)), "TCP tries again by itself");
}

#[test]
fn only_the_named_peers_are_cut_off() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let server = Server::start(&far, 7000);
    let port = server.port;
    for (peers, cut, kept) in [
        (&["10.9.0.2"][..], &["10.9.0.2"][..], &["10.9.0.3", "fd09::2"][..]),
        (&["10.9.0.0/24"], &["10.9.0.2", "10.9.0.3"], &["fd09::2"]),
        (&["fd09::/64", "10.9.0.3"], &["fd09::2", "10.9.0.3"], &["10.9.0.2"]),
        (&["::/0"], &["fd09::2"], &["10.9.0.2"]),
        (&["192.0.2.0/24"], &[], &["10.9.0.2", "10.9.0.3", "fd09::2"]),
    ] {
        for hook in [Hook::Ingress, Hook::Egress] {
            let table = drop_all(&near, &one(hook, peers, &[]));
            for to in cut {
                assert!(!udp(&near, to, port), "{peers:?} {hook:?} {to}");
            }
            for to in kept {
                assert!(udp(&near, to, port), "{peers:?} {hook:?} {to}");
            }
            assert_eq!(table.counters().unwrap().packets > 0, !cut.is_empty());
            assert_eq!(table.remove().unwrap(), Removed::Deleted);
        }
    }
}

#[test]
fn ports_match_either_end_for_tcp_and_udp() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let cut = [Server::start(&far, 7000), Server::start(&far, 7105)];
    let kept = Server::start(&far, 7200);
    for hook in [Hook::Ingress, Hook::Egress] {
        let table = drop_all(&near, &one(hook, &[], &["7000", "7100-7110"]));
        for to in ["10.9.0.2", "fd09::2"] {
            for server in &cut {
                table.renew().unwrap();
                assert!(!tcp(&near, to, server.port), "tcp {to} {}", server.port);
                assert!(!udp(&near, to, server.port), "udp {to} {}", server.port);
            }
            assert!(tcp(&near, to, kept.port) && udp(&near, to, kept.port), "{to}");
            assert!(ping(&near, to), "ICMP has no ports");
        }
        assert_eq!(table.remove().unwrap(), Removed::Deleted);
    }
}

#[test]
fn a_sender_notices_nothing() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let server = Server::start(&far, 7000);
    let port = server.port;
    assert!(udp(&near, "10.9.0.2", port));
    let table = drop_all(&near, &one(Hook::Egress, &["10.9.0.2"], &[]));
    let socket = near.run_in(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
    for _ in 0..2000 {
        socket.send_to(b"hello", ("10.9.0.2", port)).unwrap();
    }
    assert_eq!(table.counters().unwrap().packets, 2000);
}
