//! Whose the table is, and what becomes of it.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use super::super::super::testbed::{
    Pair, Server, hold, holder_namespace, run, start_holder, stdout, tcp, udp, wait_until,
};
use super::super::super::{Removed, snapshot};
use super::super::{OwnedTable, delete_table, tables};
use super::{NAME, both, drop_all, flow, plan, possible, put, traffic};
use crate::act::{Flow, Hook, Traffic};
use crate::spec::quantity::IpNetwork;
use crate::sys::net::nft::Action;

#[expect(clippy::too_many_lines, reason = "most of it is what nft prints")]
#[test]
fn nft_reads_what_we_wrote() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    let traffic = Traffic {
        except: vec![flow(&["10.9.0.3"], &[])],
        ..both(&["10.9.0.0/24", "192.0.2.1", "fd09::/64"], &["53", "8000-8080"])
    };
    let _table = put(near, &traffic, Action::Reset);
    // The first line names the owner's program, which the build gives a number.
    let text = stdout(&run(near, "nft", &["list", "ruleset"]));
    // And how long the lease lasts is another time each time.
    let (text, lease) = text.split_once('\n').unwrap().1.split_once("\tset lease").unwrap();
    let rules = lease.split_once("\n\n").unwrap().1;
    insta::assert_snapshot!(format!("{text}{rules}"), @r#"
    	flags owner
    	comment "shakedown"

    	counter acted-ingress {
    		packets 0 bytes 0
    	}

    	counter acted-egress {
    		packets 0 bytes 0
    	}

    	chain act-ingress {
    		meta l4proto tcp counter name "acted-ingress" reject with tcp reset
    		counter name "acted-ingress" reject
    	}

    	chain match-ingress {
    		icmpv6 type 133-137 return
    		icmp type destination-unreachable return
    		icmpv6 type destination-unreachable return
    		tcp flags & rst == rst return
    		ip saddr { 10.9.0.3 } return
    		ip saddr { 10.9.0.0/24, 192.0.2.1 } meta l4proto { tcp, udp, sctp } th sport { 53, 8000-8080 } goto act-ingress
    		ip saddr { 10.9.0.0/24, 192.0.2.1 } meta l4proto { tcp, udp, sctp } th dport { 53, 8000-8080 } goto act-ingress
    		ip6 saddr { fd09::/64 } meta l4proto { tcp, udp, sctp } th sport { 53, 8000-8080 } goto act-ingress
    		ip6 saddr { fd09::/64 } meta l4proto { tcp, udp, sctp } th dport { 53, 8000-8080 } goto act-ingress
    	}

    	chain act-egress {
    		meta l4proto tcp counter name "acted-egress" reject with tcp reset
    		counter name "acted-egress" reject
    	}

    	chain match-egress {
    		icmpv6 type 133-137 return
    		icmp type destination-unreachable return
    		icmpv6 type destination-unreachable return
    		tcp flags & rst == rst return
    		ip daddr { 10.9.0.3 } return
    		ip daddr { 10.9.0.0/24, 192.0.2.1 } meta l4proto { tcp, udp, sctp } th sport { 53, 8000-8080 } goto act-egress
    		ip daddr { 10.9.0.0/24, 192.0.2.1 } meta l4proto { tcp, udp, sctp } th dport { 53, 8000-8080 } goto act-egress
    		ip6 daddr { fd09::/64 } meta l4proto { tcp, udp, sctp } th sport { 53, 8000-8080 } goto act-egress
    		ip6 daddr { fd09::/64 } meta l4proto { tcp, udp, sctp } th dport { 53, 8000-8080 } goto act-egress
    	}

    	chain prerouting {
    		type filter hook prerouting priority raw - 10; policy accept;
    		iifname != "lo" meta nfproto @lease jump match-ingress
    	}

    	chain output {
    		type filter hook output priority -50; policy accept;
    		oifname != "lo" meta nfproto @lease jump match-egress
    	}

    	chain forward {
    		type filter hook forward priority raw - 10; policy accept;
    		oifname != "lo" meta nfproto @lease jump match-egress
    	}
    }
    "#);
}

#[test]
fn nobody_else_can_remove_the_table() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    let table = drop_all(near, &both(&[], &[]));
    assert!(run(near, "nft", &["flush", "ruleset"]).status.success());
    assert!(table.present().unwrap());
    assert!(!run(near, "nft", &["delete", "table", "netdev", NAME]).status.success());
    let found = delete_table(near, NAME).unwrap();
    assert!(matches!(found, Removed::NotOurs { .. }), "{found:?}");
    assert!(table.present().unwrap());
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
    assert_eq!(delete_table(near, NAME).unwrap(), Removed::AlreadyGone);
}

#[test]
fn a_table_without_our_mark_is_left_alone() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    stdout(&run(near, "nft", &["add", "table", "netdev", NAME]));
    assert!(matches!(delete_table(near, NAME).unwrap(), Removed::NotOurs { .. }));
    let error = OwnedTable::create(near, NAME, &plan(&both(&[], &[]), Action::Drop)).unwrap_err();
    assert!(format!("{error:#}").contains("EEXIST"), "{error:#}");
    stdout(&run(near, "nft", &["delete", "table", "netdev", NAME]));
    let marked = format!("table netdev {NAME} {{ comment \"shakedown\"; }}");
    stdout(&run(near, "nft", &["add", &marked]));
    assert_eq!(delete_table(near, NAME).unwrap(), Removed::Deleted);
}

#[test]
fn a_filter_is_made_whole_or_not_at_all() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    let before = snapshot(near).unwrap();
    let traffic = Traffic { interfaces: vec!["eth0".into(), "missing0".into()], ..both(&[], &[]) };
    let error = OwnedTable::create(near, NAME, &plan(&traffic, Action::Drop)).unwrap_err();
    assert!(error.to_string().contains("missing0"), "{error:#}");
    assert_eq!(snapshot(near).unwrap(), before);
}

#[test]
fn twenty_thousand_networks_take_less_than_two_seconds() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    let before = snapshot(near).unwrap();
    let networks = (0..20_000u32)
        .map(|number| IpNetwork {
            address: Ipv4Addr::from(0x0b00_0000 + (number << 9)).into(),
            prefix: 24,
        })
        .collect();
    let start = Instant::now();
    let many = traffic(&[Hook::Ingress, Hook::Egress], Flow { networks, ..Flow::default() });
    let table = drop_all(near, &many);
    let made = start.elapsed();
    assert_eq!(table.remove().unwrap(), Removed::Deleted);
    println!("20 000 networks: made in {made:?}, removed after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(snapshot(near).unwrap(), before);
}

#[test]
fn a_child_does_not_keep_the_table() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let near = &pair.near;
    let table = drop_all(near, &both(&[], &[]));
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    drop(table);
    // A fork in another test's thread may hold the socket for the moment until its exec.
    wait_until(|| tables(near).unwrap().is_empty()).expect("the child keeps the table");
    assert!(child.try_wait().unwrap().is_none(), "the child is still there");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn holder_of_a_table() {
    if let Some(namespace) = holder_namespace() {
        hold(drop_all(&namespace, &both(&[], &[])));
    }
}

#[test]
fn a_killed_holder_leaves_nothing() {
    if !possible() {
        return;
    }
    let Pair { near, far } = Pair::new();
    let server = Server::start(&far, 7000);
    let port = server.port;
    let before = snapshot(&near).unwrap();
    let mut holder = start_holder("sys::net::nft::tests::ownership::holder_of_a_table", &near);
    assert!(!udp(&near, "10.9.0.2", port));
    assert!(!tables(&near).unwrap().is_empty());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(tables(&near).unwrap(), []);
    assert!(udp(&near, "10.9.0.2", port) && tcp(&near, "fd09::2", port));
    assert_eq!(snapshot(&near).unwrap(), before);
}
