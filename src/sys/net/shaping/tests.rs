//! Shaping with real packets. tbf is on more kernels than netem; what netem does to packets is
//! tested beside it.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::super::tbf::Tbf;
use super::super::testbed::{Pair, ping, privileged, run, stdout, wait_until};
use super::super::{set_up, snapshot, tbf};
use super::fixture::{Shaper, everything, listing, sent, tc};
use super::*;
use crate::act::{Egress, Flow};
use crate::spec::Protocol;
use crate::spec::quantity::PortRange;

fn possible() -> bool {
    privileged()
        && match tbf::supported().unwrap() {
            super::super::Support::Supported => true,
            super::super::Support::Missing { reason } => {
                println!("skipped: this kernel has no tbf: {reason}");
                false
            }
        }
}

/// 1 MB/s, and a queue of more than the tests send.
const SLOW: Discipline = Discipline::Tbf(Tbf { rate: 1_000_000, burst: 2000, limit: 10_000_000 });

fn port(number: u16) -> PortRange {
    PortRange { first: number, last: number }
}

/// Sends some packets of 1000 bytes.
fn send(from: &Namespace, to: &str, count: u32) {
    let local = if to.contains('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = from.run_in(|| UdpSocket::bind(local).unwrap()).unwrap();
    (0..count).for_each(|_| assert_eq!(socket.send_to(&[0; 1000], to).unwrap(), 1000));
}

/// How many packets each discipline of the shaper has met: they may wait in it for a while.
fn met(shaper: &Shaper<'_>) -> u64 {
    let begin = Instant::now();
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = shaper.all().iter().map(|found| found.packets).sum();
        if now == before || begin.elapsed() > Duration::from_secs(5) {
            return now;
        }
        before = now;
    }
}

/// Lets both ends find each other, so that no discovery is counted.
fn acquaint(pair: &Pair) {
    for to in ["10.9.0.2", "10.9.0.3", "fd09::2"] {
        assert!(wait_until(|| ping(&pair.near, to)).is_some());
    }
    for to in ["10.9.0.1", "fd09::1"] {
        assert!(wait_until(|| ping(&pair.far, to)).is_some());
    }
}

#[test]
fn what_is_sent_and_matches_is_met_and_nothing_else() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    acquaint(&pair);
    let cases = [
        (
            Flow { networks: vec!["10.9.0.2".parse().unwrap()], ..Flow::default() },
            "10.9.0.2:9",
            "10.9.0.3:9",
        ),
        (
            Flow { networks: vec!["fd09::/64".parse().unwrap()], ..Flow::default() },
            "[fd09::2]:9",
            "10.9.0.2:9",
        ),
        (Flow { remote_ports: vec![port(80)], ..Flow::default() }, "10.9.0.2:80", "10.9.0.2:81"),
        (
            Flow { ports: vec![PortRange { first: 80, last: 90 }], ..Flow::default() },
            "[fd09::2]:85",
            "[fd09::2]:91",
        ),
        (
            Flow { protocols: vec![Protocol::Udp], ports: vec![port(80)], ..Flow::default() },
            "[fd09::2]:80",
            "[fd09::2]:81",
        ),
    ];
    for (flow, inside, outside) in cases {
        let before = listing(&pair.near);
        let shaper = Shaper::new(&pair.near, &sent(flow.clone()));
        shaper.add(&SLOW);
        send(&pair.near, outside, 50);
        assert_eq!(met(&shaper), 0, "{flow:?}");
        send(&pair.near, inside, 50);
        assert_eq!(met(&shaper), 50, "{flow:?}");
        assert_eq!(shaper.remove(), Removed::Deleted);
        assert_eq!(shaper.remove(), Removed::AlreadyGone);
        assert_eq!(listing(&pair.near), before, "{flow:?}");
    }
}

#[test]
fn exceptions_and_priorities_pass_beside() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    acquaint(&pair);
    let except = vec![
        Flow { networks: vec!["10.9.0.3".parse().unwrap()], ..Flow::default() },
        Flow { protocols: vec![Protocol::Icmp], ..Flow::default() },
    ];
    let shaper = Shaper::new(&pair.near, &Traffic { except, ..everything() });
    shaper.add(&SLOW);
    send(&pair.near, "10.9.0.3:9", 20);
    // Neither a type of service nor neighbour discovery leads into the fault.
    for arguments in
        [["-c3", "-i0.01", "-Q", "0x10", "10.9.0.2"], ["-c3", "-i0.01", "-Q", "0x08", "fd09::2"]]
    {
        stdout(&run(&pair.near, "ping", &arguments));
    }
    stdout(&run(&pair.near, "ip", &["neighbour", "flush", "dev", "eth0"]));
    stdout(&run(&pair.near, "ping", &["-c1", "fd09::2"]));
    assert_eq!(met(&shaper), 0);
    send(&pair.near, "10.9.0.2:9", 20);
    assert_eq!(met(&shaper), 20);
}

#[test]
fn what_is_received_takes_a_detour_if_it_matches() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    acquaint(&pair);
    let before = listing(&pair.near);
    let flow = Flow { local_ports: vec![port(80)], ..Flow::default() };
    let both = Traffic { hooks: vec![Hook::Ingress, Hook::Egress], ..sent(flow) };
    let shaper = Shaper::new(&pair.near, &both);
    shaper.add(&SLOW);
    for (to, expected) in [("10.9.0.1:81", 0), ("10.9.0.1:80", 30), ("[fd09::1]:80", 60)] {
        send(&pair.far, to, 30);
        assert_eq!(met(&shaper), expected, "{to}");
    }
    let received = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:80").unwrap()).unwrap();
    received.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    send(&pair.far, "10.9.0.1:80", 30);
    assert!((0..30).all(|_| received.recv(&mut [0; 1000]).is_ok()), "they arrive in the end");
    assert_eq!(shaper.remove(), Removed::Deleted);
    assert_eq!(shaper.remove(), Removed::AlreadyGone);
    assert_eq!(listing(&pair.near), before);
}

#[test]
fn a_rate_is_kept() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    acquaint(&pair);
    let receiver = pair.far.run_in(|| UdpSocket::bind("10.9.0.2:99").unwrap()).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let shaper = Shaper::new(&pair.near, &everything());
    shaper.add(&SLOW);
    nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::RcvBufForce, &(1 << 20))
        .unwrap();
    let begin = Instant::now();
    send(&pair.near, "10.9.0.2:99", 200);
    let arrived = (0..200).filter(|_| receiver.recv(&mut [0; 1000]).is_ok()).count();
    assert_eq!(arrived, 200);
    let took = begin.elapsed().as_secs_f64();
    // 200 frames of 1042 bytes at 1 MB/s, less a burst of 2000.
    println!("200 packets at 1 MB/s in {took:.4} s");
    assert!((0.19..0.24).contains(&took), "{took}");
    let found = shaper.read();
    assert!(found.overlimits > 0 && found.drops == 0, "{found:?}");
}

/// What tc says of the root of `eth0`, its classes and its filters.
fn at_root(namespace: &Namespace) -> String {
    ["qdisc", "class", "filter"]
        .map(|what| tc(namespace, &format!("-d {what} show dev eth0")))
        .join("\n")
}

#[test]
fn somebody_elses_root_is_left_as_it_is() {
    if !possible() {
        return;
    }
    let odd = "qdisc add dev eth0 root handle 5: tbf rate 1234567bit burst 5kb latency 77ms peakrate 3mbit mtu 1600";
    let htb = [
        "qdisc add dev eth0 root handle 1: htb default 10 r2q 7",
        "class add dev eth0 parent 1: classid 1:1 htb rate 5mbit ceil 9mbit burst 15k",
        "class add dev eth0 parent 1:1 classid 1:10 htb rate 1mbit ceil 5mbit prio 3 quantum 2000",
        "class add dev eth0 parent 1:1 classid 1:20 htb rate 2mbit",
        "qdisc add dev eth0 parent 1:20 handle 20: pfifo limit 37",
        "filter add dev eth0 parent 1: protocol ip prio 3 u32 match ip dst 10.9.0.3/32 match ip dport 80 0xffff flowid 1:20",
        "filter add dev eth0 parent 1: protocol ipv6 prio 4 u32 match ip6 dst fd09::/64 flowid 1:20",
    ];
    for (lines, found) in [(&[odd][..], "tbf 5:"), (&htb, "htb 1:")] {
        let pair = Pair::new();
        for line in lines {
            tc(&pair.near, line);
        }
        let (before, root) = (listing(&pair.near), at_root(&pair.near));
        let part = sent(Flow { remote_ports: vec![port(80)], ..Flow::default() });
        for traffic in [everything(), part] {
            let shaper = Shaper::new(&pair.near, &traffic);
            if shaper.interface.egress == Some(Egress::Root) {
                shaper.is_refused(found);
            } else {
                shaper.add(&SLOW);
                assert_eq!(at_root(&pair.near), root, "{found} while it is held");
                assert_eq!(shaper.remove(), Removed::Deleted);
            }
            assert_eq!(listing(&pair.near), before);
        }
    }
}

#[test]
fn tuned_leaves_of_a_default_root_are_left_alone() {
    if !possible() {
        return;
    }
    let namespace = Namespace::create().unwrap();
    let cable = ["link", "add", "eth0", "numtxqueues", "4", "type", "veth", "peer", "eth1"];
    stdout(&run(&namespace, "ip", &cable));
    let shaper = Shaper::new(&namespace, &everything());
    set_up(&shaper.socket, shaper.interface.index).unwrap();
    let mq = ["qdisc", "add", "dev", "eth0", "root", "handle", "9:", "mq"];
    if !run(&namespace, "tc", &mq).status.success() {
        println!("skipped: no mq on a veth here");
        return;
    }
    tc(&namespace, "qdisc replace dev eth0 parent 9:1 handle a: pfifo limit 5");
    // The kernel says a moment later that the other end is off.
    let told =
        || stdout(&run(&namespace, "ip", &["link", "show", "eth0"])).contains("LOWERLAYERDOWN");
    assert!(wait_until(told).is_some());
    let before = listing(&namespace);
    if shaper.interface.egress == Some(Egress::Root) {
        shaper.is_refused("mq 9:");
    }
    assert_eq!(listing(&namespace), before);
}

#[test]
fn somebody_elses_ingress_is_left_as_it_is() {
    if !possible() {
        return;
    }
    for kind in ["ingress", "clsact"] {
        let pair = Pair::new();
        tc(&pair.near, &format!("qdisc add dev eth0 {kind}"));
        let filter = "filter add dev eth0 ingress protocol ip prio 5 u32 match ip src 10.9.0.2/32";
        tc(&pair.near, filter);
        let before = listing(&pair.near);
        let traffic = Traffic { hooks: vec![Hook::Ingress], ..everything() };
        let shaper = Shaper::new(&pair.near, &traffic);
        if shaper.interface.ingress.as_ref().is_some_and(|detour| detour.tabled) {
            shaper.add(&SLOW);
            assert_eq!(shaper.remove(), Removed::Deleted);
        } else {
            shaper.is_refused(&format!("{kind} ffff:"));
        }
        assert_eq!(listing(&pair.near), before);
        // It does not matter for what is sent.
        let shaper = Shaper::new(&pair.near, &everything());
        shaper.add(&SLOW);
        assert_eq!(shaper.remove(), Removed::Deleted);
        assert_eq!(listing(&pair.near), before);
    }
}

/// An `ifb` would let it pass unseen (`tc_skip_classify`).
#[test]
fn what_took_a_detour_meets_all_hooks_of_the_other_end_and_has_its_mark() {
    if !possible() || !diversion::possible().unwrap() {
        return;
    }
    let pair = Pair::new();
    acquaint(&pair);
    let count = |namespace: &Namespace, hook: &str| {
        let chain = format!("chain c {{ type filter hook {hook} device eth0 priority 500; ");
        let rule = "udp dport 80 meta mark and 0x2000000 == 0 counter; }; }";
        let table = format!("table netdev seen {{ {chain}{rule}");
        stdout(&run(namespace, "nft", &[&table]));
    };
    count(&pair.near, "egress");
    count(&pair.far, "ingress");
    let flow = Flow { remote_ports: vec![port(80)], ..Flow::default() };
    let shaper = Shaper::new(&pair.near, &sent(flow));
    shaper.add(&SLOW);
    send(&pair.near, "10.9.0.2:80", 20);
    assert_eq!(met(&shaper), 20);
    for namespace in [&pair.near, &pair.far] {
        let seen = stdout(&run(namespace, "nft", &["list", "table", "netdev", "seen"]));
        assert!(seen.contains("counter packets 20 "), "{seen}");
    }
}

#[test]
fn a_second_detour_of_an_interface_is_refused() {
    if !possible() || !diversion::possible().unwrap() {
        return;
    }
    let pair = Pair::new();
    let flow = Flow { remote_ports: vec![port(80)], ..Flow::default() };
    let both = Traffic { hooks: vec![Hook::Ingress, Hook::Egress], ..sent(flow) };
    let shaper = Shaper::new(&pair.near, &both);
    shaper.add(&SLOW);
    for hook in [Hook::Ingress, Hook::Egress] {
        let second = Shaper::new(&pair.near, &Traffic { hooks: vec![hook], ..both.clone() });
        let error = second.try_add(&SLOW).unwrap_err().to_string();
        assert!(
            error.starts_with("another fault sends packets of eth0 through sd5d01-"),
            "{error}"
        );
    }
    assert_eq!(shaper.remove(), Removed::Deleted);
}

#[test]
fn what_others_add_meanwhile_stays() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaper = Shaper::new(&pair.near, &Traffic { hooks: vec![Hook::Ingress], ..everything() });
    shaper.add(&SLOW);
    if shaper.interface.ingress.as_ref().is_some_and(|detour| detour.tabled) {
        println!("skipped: no ingress of ours for others to use");
        return;
    }
    tc(&pair.near, "filter add dev eth0 ingress protocol ip prio 5 u32 match ip src 10.9.0.2/32");
    assert!(matches!(shaper.remove(), Removed::NotOurs { .. }));
    let left = listing(&pair.near);
    assert!(
        left.contains("0a090002/ffffffff") && !left.contains("sd5d") && !left.contains("bpf"),
        "{left}"
    );
}

#[test]
fn a_queue_length_of_zero_comes_back() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    stdout(&run(&pair.near, "ip", &["link", "set", "eth0", "txqueuelen", "0"]));
    acquaint(&pair);
    let before = listing(&pair.near);
    for flow in [Flow::default(), Flow { remote_ports: vec![port(80)], ..Flow::default() }] {
        let shaper = Shaper::new(&pair.near, &sent(flow));
        shaper.add(&SLOW);
        let received = pair.far.run_in(|| UdpSocket::bind("10.9.0.2:81").unwrap()).unwrap();
        received.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        send(&pair.near, "10.9.0.2:81", 10);
        assert!((0..10).all(|_| received.recv(&mut [0; 1000]).is_ok()), "bystanders pass");
        assert_eq!(shaper.remove(), Removed::Deleted);
        assert_eq!(listing(&pair.near), before);
    }
}

#[test]
fn interfaces_are_those_with_routes_or_those_named() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let socket = RouteSocket::open(&pair.near).unwrap();
    stdout(&run(
        &pair.near,
        "ip",
        &["link", "add", "other", "type", "veth", "peer", "name", "end"],
    ));
    let chosen = |networks: &[&str], interfaces: &[&str]| {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        let interfaces = interfaces.iter().map(|name| (*name).to_owned()).collect();
        let traffic = Traffic { interfaces, ..sent(Flow { networks, ..Flow::default() }) };
        select(&socket, &traffic, 0x5d01).map_or_else(
            |error| error.to_string(),
            |found| found.into_iter().map(|it| it.name).collect::<Vec<_>>().join(" "),
        )
    };
    assert_eq!(chosen(&["10.9.0.7"], &[]), "eth0");
    assert_eq!(chosen(&["fd09::7"], &[]), "eth0");
    assert_eq!(chosen(&["fd09::7", "192.0.2.1"], &[]), "eth0");
    assert_eq!(chosen(&[], &[]).split(' ').count(), 3);
    assert_eq!(chosen(&["10.9.0.7"], &["lo"]), "lo");
    insta::assert_snapshot!(chosen(&["192.0.2.1"], &[]), @"no interface of the target's network namespace carries a route to 192.0.2.1; name the interfaces if there will be one");
    let unknown = chosen(&[], &["eth7"]);
    assert!(
        unknown.starts_with("the target's network namespace has no interface `eth7`; it has lo, "),
        "{unknown}"
    );
}

#[test]
fn a_rehearsal_says_what_the_kernel_lacks() {
    if !privileged() {
        return;
    }
    let queue = crate::spec::quantity::Duration::from_millis(100);
    let limit = crate::act::Limit { rate: "1Mbit/s".parse().unwrap(), burst: None, queue };
    for hook in [Hook::Egress, Hook::Ingress] {
        // Names are resolved only where the target lives, later.
        let hosts = vec!["db.example".to_owned()];
        let flow = Flow { hosts, ports: vec![port(80)], ..Flow::default() };
        let shape = Shape {
            site: crate::act::SiteRef::Host,
            traffic: Traffic { hooks: vec![hook], ..sent(flow) },
            impairment: crate::act::Impairment::Limit(limit),
            engine: crate::spec::Engine::Tbf,
        };
        let missing = rehearse(&shape).err().map(|error| error.missing().unwrap());
        println!("{hook:?}: {missing:?} is missing");
    }
    let scratch = snapshot(&Namespace::create().unwrap()).unwrap();
    assert!(!scratch.keys().any(|key| key.contains("sd5d")));
}
