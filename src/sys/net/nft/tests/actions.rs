//! What becomes of packets beside that they vanish.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::super::testbed::{Pair, Server, ip, ping, tcp, udp};
use super::super::super::{Namespace, Removed};
use super::super::{Action, OwnedTable, Plan, supported};
use super::{NAME, both, one, possible_to, put};
use crate::act::Hook;

/// How a connection fails: at once, with this number of an error.
fn refusal(from: &Namespace, to: &str, port: u16) -> (Option<i32>, Duration) {
    let address = SocketAddr::new(ip(to), port);
    let start = Instant::now();
    let connected = from.run_in(|| TcpStream::connect(address)).unwrap();
    (connected.err().and_then(|error| error.raw_os_error()), start.elapsed())
}

#[test]
fn what_the_kernel_can_do_is_told() {
    if super::possible() {
        println!("{:#?}", supported().unwrap());
    }
}

#[test]
fn a_reset_is_seen_at_once_by_whoever_connects() {
    if !possible_to(Action::Reset) {
        return;
    }
    let pair = Pair::new();
    let _servers = [Server::start(&pair.far, 7000), Server::start(&pair.near, 7000)];
    let outward = [(&pair.near, "10.9.0.2"), (&pair.near, "fd09::2")];
    let inward = [(&pair.far, "10.9.0.1"), (&pair.far, "fd09::1")];
    for (hook, ends) in [(Hook::Egress, outward), (Hook::Ingress, inward)] {
        let table = put(&pair.near, &one(hook, &[], &[]), Action::Reset);
        for (from, to) in ends {
            let (error, after) = refusal(from, to, 7000);
            assert_eq!(error, Some(libc::ECONNREFUSED), "{hook:?} {to}");
            assert!(after < Duration::from_millis(500), "{hook:?} {to} {after:?}");
        }
        assert!(table.counters().unwrap().packets >= 2);
        assert_eq!(table.remove().unwrap(), Removed::Deleted);
        assert!(ends.iter().all(|(from, to)| tcp(from, to, 7000)));
    }
}

#[test]
fn an_unreachable_host_is_told_to_whoever_connects() {
    if !possible_to(Action::Icmp) {
        return;
    }
    let pair = Pair::new();
    let server = Server::start(&pair.far, 7000);
    let table = put(&pair.near, &one(Hook::Egress, &[], &[]), Action::Icmp);
    for to in ["10.9.0.2", "fd09::2"] {
        let (error, after) = refusal(&pair.near, to, server.port);
        println!("{to} {error:?} {after:?}");
        assert_eq!(error, Some(libc::EHOSTUNREACH), "{to}");
    }
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
}

#[test]
fn a_queue_without_anybody_lets_pass() {
    let action = Action::Queue { ingress: 40, egress: 41 };
    if !possible_to(action) {
        return;
    }
    let pair = Pair::new();
    let server = Server::start(&pair.far, 7000);
    let table = put(&pair.near, &both(&[], &[]), action);
    for to in ["10.9.0.2", "fd09::2"] {
        assert!(udp(&pair.near, to, server.port) && ping(&pair.near, to), "{to}");
    }
    assert!(table.counters().unwrap().packets >= 8);
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
}

#[test]
fn a_connection_is_redirected_unless_it_is_marked() {
    let action = Action::Redirect { port: 7001 };
    if !possible_to(action) {
        return;
    }
    let pair = Pair::new();
    let _far = Server::start(&pair.far, 7000);
    let any: SocketAddr = "[::]:7001".parse().unwrap();
    let here = pair.near.run_in(|| std::net::TcpListener::bind(any).unwrap()).unwrap();
    let traffic = one(Hook::Egress, &[], &["7000"]);
    let plan = Plan { traffic: &traffic, action, cgroup: None, skip_mark: Some(1 << 26) };
    let table = OwnedTable::create(&pair.near, NAME, &plan).unwrap();
    for to in ["10.9.0.2", "fd09::2"] {
        let address = SocketAddr::new(ip(to), 7000);
        let mut stream = pair.near.run_in(|| TcpStream::connect(address).unwrap()).unwrap();
        drop(here.accept().unwrap());
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the listener here has closed it");
    }
    assert_eq!(table.counters().unwrap().packets, 2);
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
}
