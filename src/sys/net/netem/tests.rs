//! netem with real packets, in namespaces of the tests' own. Where the kernel has no netem the
//! tests say so; the lab's machine has it.

use std::net::UdpSocket;
use std::time::Instant;

use super::super::testbed::{Pair, Server, index, privileged, run, stdout};
use super::super::{Namespace, Removed, RouteSocket, Support, set_up, snapshot};
use super::*;
use crate::spec::quantity::Percent;

const HANDLE: u16 = 0x5da0;

/// Whether the test can run here; says why when not.
fn possible() -> bool {
    if !privileged() {
        return false;
    }
    match supported().unwrap() {
        Support::Supported => true,
        Support::Missing { reason } => {
            println!("skipped: this kernel has no netem: {reason}");
            false
        }
    }
}

fn netem(delay: u64, jitter: u64) -> Netem {
    let (delay, jitter) = (Duration::from_millis(delay), Duration::from_millis(jitter));
    Netem {
        delay,
        jitter,
        correlation: Percent::default(),
        distribution: Distribution::Uniform,
        limit: Netem::limit_for(delay, jitter, ASSUMED_RATE),
    }
}

/// An interface of a test's namespace.
struct Shaped {
    socket: RouteSocket,
    index: u32,
}

impl Shaped {
    fn of(namespace: &Namespace) -> Self {
        Self { socket: RouteSocket::open(namespace).unwrap(), index: index(namespace) }
    }

    fn add(&self, netem: &Netem) {
        add(&self.socket, self.index, HANDLE, netem).unwrap();
        let state = self.read().unwrap();
        assert!(state.parameters.agree(netem), "{} for {netem:?}", state.parameters);
    }

    fn read(&self) -> Option<NetemState> {
        read(&self.socket, self.index, HANDLE).unwrap()
    }

    fn delete(&self) -> Removed {
        delete(&self.socket, self.index, HANDLE).unwrap()
    }
}

/// What tc says of the near end's root.
fn tc(namespace: &Namespace) -> serde_json::Value {
    let text = stdout(&run(namespace, "tc", &["-j", "qdisc", "show", "dev", "eth0"]));
    serde_json::from_str::<serde_json::Value>(&text).unwrap()[0].clone()
}

#[test]
fn tc_reads_what_we_wrote() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    let before = snapshot(&pair.near).unwrap();
    let correlation = "25%".parse::<Percent>().unwrap();
    for (delay, jitter, distribution) in [
        (100, 0, Distribution::Uniform),
        (50, 10, Distribution::Uniform),
        (250, 50, Distribution::Normal),
        (5000, 2000, Distribution::Normal),
    ] {
        let netem = Netem { correlation, distribution, ..netem(delay, jitter) };
        shaped.add(&netem);
        let theirs = tc(&pair.near);
        assert_eq!(theirs["kind"], "netem");
        assert_eq!(theirs["handle"], "5da0:");
        let options = &theirs["options"];
        assert_eq!(options["limit"], netem.limit);
        let seconds = |key: &str| options["delay"][key].as_f64().unwrap_or(0.0);
        assert!((seconds("delay") - netem.delay.as_secs_f64()).abs() < 1e-9, "{options}");
        assert!((seconds("jitter") - netem.jitter.as_secs_f64()).abs() < 1e-9, "{options}");
        if jitter > 0 {
            assert!((seconds("correlation") - 0.25).abs() < 0.01, "{options}");
        }
        println!("{delay} ms ± {jitter} ms {distribution:?}: tc says {options}");
        assert_ne!(snapshot(&pair.near).unwrap(), before);
        assert_eq!(shaped.delete(), Removed::Deleted);
        assert_eq!(snapshot(&pair.near).unwrap(), before);
        assert_eq!(shaped.delete(), Removed::AlreadyGone);
        assert!(shaped.read().is_none());
    }
}

/// Round trips of small packets, one after the other.
fn round_trips(pair: &Pair, count: usize) -> Vec<Duration> {
    let server = Server::start(&pair.far, 7000);
    let socket = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    socket.connect(("10.9.0.2", server.port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let once = || {
        let start = Instant::now();
        socket.send(b"hello").unwrap();
        socket.recv(&mut [0; 16]).unwrap();
        start.elapsed()
    };
    once(); // Finds the neighbour first.
    (0..count).map(|_| once()).collect()
}

#[test]
fn packets_are_delayed_within_the_jitter() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    shaped.add(&netem(50, 10));
    let trips = round_trips(&pair, 60);
    let (least, most) = (*trips.iter().min().unwrap(), *trips.iter().max().unwrap());
    let mean = trips.iter().sum::<Duration>() / 60;
    println!("50 ms ± 10 ms: least {least:?}, mean {mean:?}, most {most:?} of 60 round trips");
    assert!(least >= Duration::from_millis(40), "{least:?}");
    assert!(mean > Duration::from_millis(45) && mean < Duration::from_millis(65), "{mean:?}");
    assert!(most > least + Duration::from_millis(5), "no variation");
    let state = shaped.read().unwrap();
    assert!(state.packets >= 61 && state.drops == 0, "{state:?}");
}

/// Sends numbered packets as fast as the socket takes them, and counts those that come after a
/// later one, and those that do not come at all.
fn inversions_and_losses(pair: &Pair, count: u32) -> (usize, usize) {
    let receiver = pair.far.run_in(|| UdpSocket::bind("10.9.0.2:0").unwrap()).unwrap();
    nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20))
        .unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let sender = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    let mut order = Vec::new();
    let mut number = [0; 4];
    for next in 0..count {
        sender.send(&next.to_ne_bytes()).unwrap();
    }
    while order.len() < count as usize && receiver.recv(&mut number).is_ok() {
        order.push(u32::from_ne_bytes(number));
    }
    let inversions = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
    (inversions, count as usize - order.len())
}

#[test]
fn jitter_keeps_the_order_of_packets() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    round_trips(&pair, 1);
    let shaped = Shaped::of(&pair.near);
    for distribution in [Distribution::Uniform, Distribution::Normal] {
        shaped.add(&Netem { distribution, ..netem(30, 20) });
        let (inversions, lost) = inversions_and_losses(&pair, 4000);
        let drops = shaped.read().unwrap().drops;
        println!("{distribution:?}: {inversions} inversions, {lost} lost, {drops} dropped of 4000");
        assert_eq!((inversions, lost, drops), (0, 0, 0));
        assert_eq!(shaped.delete(), Removed::Deleted);
    }
    // The test can tell: netem by itself reorders.
    let plain = ["qdisc", "add", "dev", "eth0", "root", "netem", "delay", "30ms", "20ms"];
    stdout(&run(&pair.near, "tc", &[&plain[..], &["limit", "9999"]].concat()));
    let (inversions, _) = inversions_and_losses(&pair, 4000);
    println!("netem without a rate: {inversions} inversions");
    assert!(inversions > 0);
}

#[test]
fn the_queue_is_long_enough_for_the_delay() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    round_trips(&pair, 1);
    let shaped = Shaped::of(&pair.near);
    shaped.add(&netem(200, 0));
    let (inversions, lost) = inversions_and_losses(&pair, 4000);
    let state = shaped.read().unwrap();
    println!("200 ms, a burst of 4000: {lost} lost, {} dropped", state.drops);
    assert_eq!((inversions, lost, state.drops), (0, 0, 0));
}

#[test]
fn somebody_elses_netem_is_left_alone() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    let theirs = ["qdisc", "add", "dev", "eth0", "root", "handle", "7:", "netem", "delay", "1ms"];
    stdout(&run(&pair.near, "tc", &theirs));
    refuses(&pair.near, &shaped, "netem 7:");
}

#[test]
fn somebody_elses_root_is_left_alone_by_netem() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    let tbf = ["qdisc", "add", "dev", "eth0", "root", "handle", "5:", "tbf"];
    let rate = ["rate", "1mbit", "burst", "32k", "latency", "400ms"];
    stdout(&run(&pair.near, "tc", &[&tbf[..], &rate].concat()));
    refuses(&pair.near, &shaped, "tbf 5:");
}

fn refuses(namespace: &Namespace, shaped: &Shaped, found: &str) {
    let before = snapshot(namespace).unwrap();
    let error = add(&shaped.socket, shaped.index, HANDLE, &netem(1, 0)).unwrap_err();
    assert!(matches!(&error, AddError::Foreign { found: it, .. } if it == found), "{error}");
    assert_eq!(shaped.delete(), Removed::NotOurs { found: found.into() });
    assert!(shaped.read().is_none());
    assert_eq!(snapshot(namespace).unwrap(), before);
}

#[test]
fn tuned_leaves_of_a_default_root_are_left_alone() {
    if !privileged() {
        return;
    }
    let namespace = Namespace::create().unwrap();
    let cable = ["link", "add", "eth0", "numtxqueues", "4", "type", "veth", "peer", "eth1"];
    stdout(&run(&namespace, "ip", &cable));
    let shaped = Shaped::of(&namespace);
    set_up(&shaped.socket, shaped.index).unwrap();
    let mq = ["qdisc", "add", "dev", "eth0", "root", "handle", "9:", "mq"];
    if !run(&namespace, "tc", &mq).status.success() {
        println!("skipped: no mq on a veth here");
        return;
    }
    let leaf = ["qdisc", "replace", "dev", "eth0", "parent", "9:1", "handle", "a:", "pfifo"];
    stdout(&run(&namespace, "tc", &leaf));
    refuses(&namespace, &shaped, "mq 9:");
}

#[test]
fn adding_netem_twice_is_refused() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    shaped.add(&netem(1, 0));
    let again = add(&shaped.socket, shaped.index, HANDLE, &netem(2, 0)).unwrap_err();
    assert!(matches!(again, AddError::Foreign { .. }), "{again}");
    assert!(shaped.read().unwrap().parameters.agree(&netem(1, 0)));
}

#[test]
fn a_jitter_that_netem_would_cut_is_refused() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let shaped = Shaped::of(&pair.near);
    let error = add(&shaped.socket, shaped.index, HANDLE, &netem(5000, 2148)).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"the kernel's jitter is at most 2.147483647s, and 2.148s is asked for");
}

#[test]
fn a_kernel_without_netem_is_quoted() {
    if !privileged() {
        return;
    }
    match supported().unwrap() {
        Support::Supported => println!("this kernel has netem"),
        Support::Missing { reason } => {
            println!("this kernel: {reason}");
            assert!(!reason.is_empty());
        }
    }
}
