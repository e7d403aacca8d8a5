//! Peers by name: all their addresses, by the target's own name server, followed while the fault
//! lasts.

use super::injection::{Injection, refused};
use super::lan::{Lan, apart};
use super::oracle::eventually;
use super::resolving::{NameServer, resolving, skip_without_name_server};

/// Whether the target reaches an address of the test.
fn reaches(lan: &Lan, address: &str) -> bool {
    lan.output(&format!("ping -c 1 -W 0.3 {address}")).status.success()
}

#[test]
fn all_addresses_of_a_name_are_cut_and_no_others() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(3, &folder, &["198.51.3.1"]);
        let hosts = "198.51.1.1 peer.example.com\nfd00:1::1 peer.example.com\n\
                     198.51.2.1 peer.example.com\nfd00:2::1 other.example.com\n";
        let _server = NameServer::start(&folder, hosts);
        let before = lan.inside("nft list ruleset");
        let hosts = "peers={hosts: [peer.example.com]}";
        let mut cut = Injection::start(&["network-partition", "--pid", lan.pid(), hosts]);
        for address in ["198.51.1.1", "198.51.2.1", "fd00:1::1"] {
            assert!(!reaches(&lan, address), "{address}");
        }
        for address in ["198.51.3.1", "fd00:2::1", "fd00:3::1"] {
            assert!(reaches(&lan, address), "{address}");
        }
        cut.await_proof();
        let proof = cut.stop().proofs().remove(0);
        let shown = "3 addresses for peer.example.com: 198.51.1.1, 198.51.2.1, fd00:1::1";
        assert!(proof.ends_with(shown), "{proof}");
        assert_eq!(lan.inside("nft list ruleset"), before);
        assert!(reaches(&lan, "198.51.1.1") && reaches(&lan, "fd00:1::1"));
    });
}

#[test]
fn a_name_that_moves_is_followed_and_where_it_was_stays_cut() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(3, &folder, &["198.51.3.1"]);
        let mut server = NameServer::start(&folder, "198.51.1.1 peer.example.com\n");
        let hosts = "peers={hosts: [peer.example.com]}";
        let cut = Injection::start(&["network-partition", "--pid", lan.pid(), hosts]);
        assert!(!reaches(&lan, "198.51.1.1") && reaches(&lan, "198.51.2.1"));
        for address in ["198.51.2.1", "fd00:2::1"] {
            assert!(reaches(&lan, address));
            server.know(&format!("{address} peer.example.com\n"));
            eventually("the new address is cut", || !reaches(&lan, address));
            assert!(!reaches(&lan, "198.51.1.1"));
        }
        assert!(reaches(&lan, "198.51.3.1"));
        cut.stop();
        assert!(reaches(&lan, "198.51.1.1") && reaches(&lan, "fd00:2::1"));
    });
}

/// How many packets the queueing disciplines of the fault have met.
fn met_by_tbf(lan: &Lan) -> u64 {
    let text = lan.inside("tc -s qdisc show");
    let ours = text.split("qdisc ").filter(|qdisc| qdisc.starts_with("tbf "));
    let packets = ours.filter_map(|qdisc| {
        qdisc
            .split_once(" bytes ")
            .and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok())
    });
    packets.sum()
}

#[test]
fn a_rate_by_tbf_follows_a_name_both_ways() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(3, &folder, &["198.51.3.1"]);
        let mut server = NameServer::start(&folder, "198.51.1.1 peer.example.com\n");
        let hosts = "peers={hosts: [peer.example.com], protocols: [icmp]}";
        let parameters = ["rate=1Mbit/s", "engine=tbf", "direction=both"];
        let args = [&["network-rate", "--pid", lan.pid(), hosts][..], &parameters].concat();
        let slow = Injection::start(&args);
        let met = |address: &str| {
            let before = met_by_tbf(&lan);
            assert!(reaches(&lan, address), "{address}");
            met_by_tbf(&lan) - before
        };
        assert_eq!((met("198.51.1.1"), met("198.51.2.1")), (2, 0));
        server.know("fd00:2::1 peer.example.com\n198.51.2.1 peer.example.com\n");
        eventually("the new address is met", || met("198.51.2.1") == 2);
        assert_eq!((met("198.51.1.1"), met("fd00:2::1"), met("198.51.3.1")), (2, 2, 0));
        slow.stop();
    });
}

#[test]
fn a_delay_in_user_space_follows_a_name() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(3, &folder, &["198.51.3.1"]);
        let mut server = NameServer::start(&folder, "198.51.1.1 peer.example.com\n");
        let hosts = "peers={hosts: [peer.example.com]}";
        let parameters = ["delay=2s", "engine=queue"];
        let args = [&["network-latency", "--pid", lan.pid(), hosts][..], &parameters].concat();
        let slow = Injection::start(&args);
        assert!(!reaches(&lan, "198.51.1.1") && reaches(&lan, "198.51.2.1"));
        server.know("fd00:2::1 peer.example.com\n198.51.2.1 peer.example.com\n");
        eventually("the new address is met", || !reaches(&lan, "fd00:2::1"));
        assert!(!reaches(&lan, "198.51.2.1") && !reaches(&lan, "198.51.1.1"));
        assert!(reaches(&lan, "198.51.3.1"));
        slow.stop();
        assert!(reaches(&lan, "198.51.1.1"));
    });
}

/// The name server itself is the peer: the last answer counts.
#[test]
fn a_fault_that_cuts_the_name_server_off_stays() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(1, &folder, &["198.51.1.1"]);
        let _server = NameServer::start(&folder, "198.51.1.1 peer.example.com\n");
        let hosts = "peers={hosts: [peer.example.com]}";
        let mut cut = Injection::start(&["network-partition", "--pid", lan.pid(), hosts]);
        let asked = || {
            let rules = lan.inside("cat /proc/net/snmp");
            rules.lines().filter_map(|line| line.strip_prefix("Udp: ")).nth(1).map(str::to_owned)
        };
        let first = asked();
        // The name is asked for again, without an answer.
        eventually("the name is asked for again", || asked() != first);
        assert!(!reaches(&lan, "198.51.1.1") && reaches(&lan, "fd00:1::1"));
        cut.await_proof();
        assert!(cut.stop().proofs()[0].contains("1 address for peer.example.com: 198.51.1.1"));
        assert!(reaches(&lan, "198.51.1.1"));
    });
}

#[test]
fn a_name_that_cannot_be_resolved_is_refused_before_anything_is_touched() {
    if skip_without_name_server() {
        return;
    }
    apart(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let lan = resolving(1, &folder, &["198.51.1.1"]);
        let _server = NameServer::start(&folder, "198.51.1.1 peer.example.com\n");
        let hosts = "peers={hosts: [peer.example.com, nobody.example.com]}";
        let args = ["network-partition", "--pid", lan.pid(), "--for", "5s", hosts];
        let said = refused(&args);
        let why = "cannot resolve the peer `nobody.example.com`: there is no such name";
        assert!(said.contains(why), "{said}");
        assert_eq!(lan.inside("nft list ruleset"), "");
    });
}
