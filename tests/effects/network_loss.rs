//! `network-loss` by packet filters: as many packets vanish as was asked, and nobody can tell why.

use super::injection::Injection;
use super::lan::{Flow, Lan, apart};
use super::network_partition::skip_without_tables;

/// Loses packets of the target, looks, and lets go; returns what proved it.
fn lose(lan: &Lan, parameters: &[&str], look: impl FnOnce()) -> String {
    let before = lan.inside("nft list ruleset");
    let args = [&["network-loss", "--pid", lan.pid(), "engine=nft"], parameters].concat();
    let mut loss = Injection::start(&args);
    look();
    loss.await_proof();
    let proofs = loss.stop().proofs();
    assert_eq!(lan.inside("nft list ruleset"), before);
    proofs[0].clone()
}

/// How many of so many pings from the target's network are answered.
fn answered(lan: &Lan, address: &str, count: u32) -> u32 {
    let count = count.to_string();
    let mut ping = lan.command("ping");
    let output = ping.args(["-q", "-n", "-i", "0.002", "-W", "1", "-c", &count, address]).output();
    let output = output.expect("ping is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A program would see it if packets were not lost but refused.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let (before, _) = text.split_once(" received").expect("it counts");
    before.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number")
}

/// Both numbers of a proof such as `50 of 500 packets lost`.
fn counted(proof: &str) -> (u32, u32) {
    let numbers = proof.strip_suffix(" packets lost").expect("it tells");
    let (lost, all) = numbers.split_once(" of ").expect("two numbers");
    (lost.parse().expect("a number"), all.parse().expect("a number"))
}

#[test]
fn every_tenth_ping_vanishes() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        for address in ["198.51.1.1", "fd00:1::1"] {
            for direction in ["to", "from"] {
                let peers = format!("peers={{protocols: [icmp], addresses: ['{address}']}}");
                let parameters = ["every=10", &format!("direction={direction}"), &peers];
                let proof = lose(&lan, &parameters, || {
                    assert_eq!(answered(&lan, address, 500), 450, "{direction} {address}");
                });
                // It was looked at some time before the end.
                let (lost, all) = counted(&proof);
                assert_eq!(lost, all / 10, "{direction} {address}: {proof}");
            }
        }
    });
}

#[test]
fn a_fifth_of_all_pings_vanishes_by_chance() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let proof = lose(&lan, &["percent=20%", "peers={protocols: [icmp]}"], || {
            let lost = 2000 - answered(&lan, "198.51.1.1", 2000);
            // Four deviations of a binomial distribution: once in 16 000 runs it is more.
            println!("{lost} of 2000 lost, 400 expected");
            assert!((328..=472).contains(&lost), "{lost} of 2000 lost");
        });
        let (lost, all) = counted(&proof);
        assert!(lost < all && all <= 2000, "{proof}");
    });
}

#[test]
fn only_what_is_named_is_lost() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let (mut seven, mut eight) = (Flow::open("198.51.1.2:7"), Flow::open("198.51.1.2:8"));
        lose(&lan, &["percent=100%", "peers={local-ports: [7]}"], || {
            seven.is_cut();
            (0..100).for_each(|_| eight.passes());
        });
        seven.answers();
    });
}
