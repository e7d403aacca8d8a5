//! `network-partition`: what was named is cut, everything else passes, and flows go on afterwards.

use super::injection::Injection;
use super::lan::{Flow, Lan, apart, connects, ping_from_here, pings_here};
use crate::support::{skip, skip_unless_root};

/// Whether this kernel lacks what a partition needs. Says so.
fn skip_without_tables() -> bool {
    if skip_unless_root() {
        return true;
    }
    let Ok(found) = shakedown::sys::net::nft::supported() else { return false };
    found.missing().inspect(|missing| skip(&format!("this kernel lacks {missing}"))).is_some()
}

/// Partitions the target, looks, and lets go; what `nft` lists before and after is the same.
fn partition(lan: &Lan, parameters: &[&str], look: impl FnOnce()) {
    let before = lan.inside("nft list ruleset");
    let args = [&["network-partition", "--pid", lan.pid()], parameters].concat();
    let mut cut = Injection::start(&args);
    let during = lan.inside("nft list ruleset");
    assert!(during.contains("shakedown_") && during.contains("drop"), "{during}");
    look();
    cut.await_proof();
    let run = cut.stop();
    let proofs = run.proofs();
    assert!(proofs[0].ends_with(" dropped"), "{proofs:?}");
    assert_eq!(lan.inside("nft list ruleset"), before);
}

#[test]
fn everything_is_cut_both_ways_and_goes_on() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut old = Flow::open("198.51.1.2:7");
        let mut six = Flow::open("[fd00:1::2]:7");
        partition(&lan, &[], || {
            old.is_cut();
            six.is_cut();
            assert!(!connects("198.51.1.2:7") && !connects("[fd00:1::2]:7"));
        });
        old.answers();
        six.answers();
        old.passes();
        Flow::open("198.51.1.2:7");
    });
}

#[test]
fn one_way_is_one_way() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        // Each knows the other's hardware address from now on.
        ping_from_here("198.51.1.2");
        for (direction, reaches_target, leaves_target) in
            [("from", false, true), ("to", true, false), ("both", false, false)]
        {
            partition(&lan, &[&format!("direction={direction}")], || {
                let before = (lan.pings_inside(), pings_here());
                ping_from_here("198.51.1.2");
                lan.ping_from_inside("198.51.1.1");
                let after = (lan.pings_inside(), pings_here());
                let arrived = (after.0 > before.0, after.1 > before.1);
                assert_eq!(arrived, (reaches_target, leaves_target), "{direction}");
            });
        }
    });
}

#[test]
fn only_the_named_peer_is_cut() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let mut flows = ["198.51.1.2:7", "198.51.2.2:7", "[fd00:1::2]:7"].map(Flow::open);
        for (peer, cut) in [("198.51.1.1", 0), ("198.51.2.0/24", 1), ("fd00:1::1", 2)] {
            partition(&lan, &[&format!("peers={{addresses: ['{peer}']}}")], || {
                for (index, flow) in flows.iter_mut().enumerate() {
                    if index == cut { flow.is_cut() } else { flow.passes() }
                }
            });
            flows[cut].answers();
        }
    });
}

#[test]
fn only_the_named_port_is_cut() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let (mut seven, mut eight) = (Flow::open("198.51.1.2:7"), Flow::open("198.51.1.2:8"));
        partition(&lan, &["peers={ports: [7]}"], || {
            seven.is_cut();
            eight.passes();
            assert!(!connects("198.51.1.2:7") && connects("198.51.1.2:8"));
        });
        seven.answers();
    });
}

/// A target on the host's own network would take everybody with it.
#[test]
fn the_hosts_network_is_refused() {
    let target = super::target::Target::sleeper();
    let args = ["network-partition", "--pid", target.arg(), "--for", "1s"];
    let said = super::injection::refused(&args);
    assert!(said.contains("shares the host's network"), "{said}");
}
