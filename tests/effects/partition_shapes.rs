//! `network-partition` between nodes: who hears whom, over four namespaces, by packets of both
//! versions of IP, against the matrix of the plan.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;
use shakedown::sys::net::Namespace;

use super::injection::Injection;
use super::network_partition::skip_without_tables;
use super::oracle::eventually;

const NODES: [&str; 4] = ["a", "b", "c", "d"];
const PORT: u16 = 7000;
/// What is still under way arrives within this.
const SOON: Duration = Duration::from_millis(100);
/// Who has not connected by then is cut: half of the time after which TCP tries again.
const LIMIT: Duration = Duration::from_millis(500);
/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pairs of numbers of nodes: who sends, who receives.
type Pairs = BTreeSet<(usize, usize)>;

/// A node, by what the test has in its namespace.
struct Node {
    namespace: Namespace,
    /// Its addresses, IPv4 and IPv6, with a socket each.
    sockets: Vec<(IpAddr, UdpSocket)>,
    _listener: TcpListener,
}

impl Node {
    fn new(pid: i32, addresses: &[IpAddr]) -> Self {
        let namespace = Namespace::of_process(pid).expect("the service runs");
        let bind = |address: &IpAddr| {
            let socket = UdpSocket::bind((*address, PORT)).expect("nobody else is in there");
            socket.set_nonblocking(true).expect("it is a socket");
            (*address, socket)
        };
        let all = || {
            let listener = TcpListener::bind(("::", PORT)).expect("nobody else is in there");
            (addresses.iter().map(bind).collect(), listener)
        };
        let (sockets, listener) = namespace.run_in(all).expect("root may enter");
        Self { namespace, sockets, _listener: listener }
    }

    fn connect(&self, to: IpAddr, limit: Duration) -> io::Result<TcpStream> {
        let to = SocketAddr::new(to, PORT);
        self.namespace.run_in(|| TcpStream::connect_timeout(&to, limit)).expect("it enters")
    }
}

/// All pairs of different nodes.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..NODES.len())
        .flat_map(|from| (0..NODES.len()).map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
}

/// Whose datagrams arrive where, of one version of IP: at least those expected, if any, and all
/// that arrive soon after.
fn heard(nodes: &[Node], version: usize, expected: &Pairs) -> Pairs {
    for (from, to) in pairs() {
        let (address, _) = nodes[to].sockets[version];
        let (_, socket) = &nodes[from].sockets[version];
        let _ = socket.send_to(&[u8::try_from(from).expect("it is small")], (address, PORT));
    }
    let mut heard = Pairs::new();
    let (start, mut last) = (Instant::now(), Instant::now());
    while last.elapsed() < SOON || (!expected.is_subset(&heard) && start.elapsed() < PATIENCE) {
        for (to, node) in nodes.iter().enumerate() {
            let mut from = [0];
            while node.sockets[version].1.recv_from(&mut from).is_ok() {
                heard.insert((from[0].into(), to));
                last = Instant::now();
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    heard
}

/// Who can connect to whom, of one version of IP.
fn connected(nodes: &[Node], version: usize) -> Pairs {
    std::thread::scope(|scope| {
        let tries = pairs().map(|(from, to)| {
            let address = nodes[to].sockets[version].0;
            ((from, to), scope.spawn(move || nodes[from].connect(address, LIMIT).is_ok()))
        });
        let tries: Vec<_> = tries.collect();
        let made = tries.into_iter().filter_map(|(pair, try_)| try_.join().ok()?.then_some(pair));
        made.collect()
    })
}

/// The pairs that the plan says are cut.
fn planned(plan: &Value) -> Pairs {
    let matrix = &plan["entries"][0]["steps"][0]["matrix"];
    assert_eq!(matrix["nodes"], serde_json::json!(NODES));
    let number = |name: &Value| NODES.iter().position(|node| name == node).expect("a node");
    let cut = matrix["cut"].as_array().expect("pairs");
    cut.iter().map(|pair| (number(&pair[0]), number(&pair[1]))).collect()
}

/// The nodes of a run, from its plan and its events.
fn nodes(plan: &Value, events: &[Value]) -> Vec<Node> {
    let node = |name: &&str| {
        let started = events.iter().filter_map(|event| event.pointer("/what/service-started"));
        let mut own = started.filter(|it| it["service"] == **name);
        let pid = own.next().expect("it was started")["pid"].as_i64().expect("a number");
        let services = plan["services"].as_array().expect("services");
        let service = services.iter().find(|it| it[0]["name"] == **name).expect("the service");
        let addresses = service[0]["addresses"].as_array().expect("addresses").iter();
        let address = |it: &Value| {
            let (address, _) = it.as_str().expect("text").split_once('/').expect("a prefix");
            address.parse().expect("an address")
        };
        let addresses: Vec<IpAddr> = addresses.map(address).collect();
        Node::new(i32::try_from(pid).expect("it fits"), &addresses)
    };
    NODES.iter().map(node).collect()
}

/// Runs a partition of the four nodes, and compares what arrives with what the plan says.
#[track_caller]
fn partition(fault: &str) {
    if skip_without_tables() {
        return;
    }
    while_cut(fault, |nodes, lost| {
        let passes: Pairs = pairs().filter(|pair| !lost.contains(pair)).collect();
        assert!(!lost.is_empty() && !passes.is_empty(), "{fault}: {lost:?}");
        let both = |(from, to): &(usize, usize)| passes.contains(&(*to, *from));
        let connections: Pairs = passes.iter().copied().filter(both).collect();
        for version in 0..nodes[0].sockets.len() {
            assert_eq!(heard(nodes, version, &passes), passes, "{fault}, datagrams, {version}");
            assert_eq!(connected(nodes, version), connections, "{fault}, connections, {version}");
        }
    });
}

/// Partitions the four nodes, looks, and lets go.
#[track_caller]
fn while_cut(fault: &str, look: impl FnOnce(&[Node], &Pairs)) {
    let text = format!(
        "\
version: 1
title: Four nodes
services:
  a: &node {{ command: [sleep, '100'], network: own }}
  b: *node
  c: *node
  d: *node
hypothesis:
  title: the test runs
  before: 1ms
  probes: [{{ name: test, process: {{ select: {{ pid: {} }} }} }}]
blast-radius: {{ max-targets: 4 }}
method:
  - {{ target: {{ service: [a, b, c, d], pick: all }}, fault: {{ network-partition: {{ {fault} }} }}, for: 50s }}
",
        std::process::id()
    );
    let mut cut = Injection::of_experiment(&text, "for 50s");
    let (plan, _) = cut.so_far();
    let acts = plan["entries"][0]["steps"][0]["acts"].as_array().expect("acts").len();
    let is_cut = |event: &Value| event.pointer("/what/injected/step").is_some_and(Value::is_u64);
    eventually("everything is cut", || {
        cut.so_far().1.iter().filter(|event| is_cut(event)).count() == acts
    });
    let (plan, events) = cut.so_far();
    look(&nodes(&plan, &events), &planned(&plan));
    cut.await_proof();
    cut.stop().proofs();
}

#[test]
fn pairs_of_groups() {
    partition("between: { pair: [a, [b, d]] }");
    partition("between: { pair: [[a, c], d] }, direction: to");
}

#[test]
fn one_against_all() {
    partition("between: { isolate: c }");
    partition("between: isolate, direction: from");
    partition("between: isolate, direction: to");
}

#[test]
fn halves() {
    partition("between: halves");
    partition("between: halves, direction: to");
}

#[test]
fn rings_of_majorities() {
    partition("between: majorities-ring");
}

#[test]
fn bridges() {
    partition("between: { bridge: b }");
    partition("between: bridge, direction: from");
}

#[test]
fn single_links() {
    partition("between: { links: [[a, c]] }");
    partition("between: { links: [[a, c], [c, d]] }, direction: to");
    partition("between: { links: [[d, b]] }, direction: from");
}

/// The end where the filter is and the other one, by each version of IP. The kernel may tell a
/// socket only at its second try, after a second: at the first one it is busy connecting.
#[test]
fn both_ends_of_a_link_are_told() {
    if skip_without_tables() {
        return;
    }
    for (mode, kind) in
        [("reset", ErrorKind::ConnectionRefused), ("icmp", ErrorKind::HostUnreachable)]
    {
        let fault = format!("between: {{ links: [[a, c]] }}, mode: {mode}");
        while_cut(&fault, |nodes, _| {
            for (from, to) in [(0, 2), (2, 0)] {
                for (address, _) in &nodes[to].sockets {
                    let said =
                        nodes[from].connect(*address, PATIENCE).map(drop).map_err(|it| it.kind());
                    assert_eq!(said, Err(kind), "{mode}, {from} to {address}");
                }
            }
        });
    }
}
