//! `network-latency`: round trips take as much longer as was asked, and nothing else changes.

use std::time::{Duration, Instant};

use super::injection::{Injection, refused};
use super::lan::{Flow, Lan, apart};
use crate::support::{skip, skip_unless_root};

/// Whether this kernel lacks netem. Says so.
fn skip_without_netem() -> bool {
    use shakedown::sys::net::Support;
    match shakedown::sys::net::netem::supported() {
        _ if skip_unless_root() => true,
        Ok(Support::Supported) => false,
        Ok(Support::Missing { reason }) => {
            skip(&format!("this kernel has no netem: {reason}"));
            true
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// The median of some round trips.
fn round_trip(flow: &mut Flow) -> Duration {
    let mut trips = [(); 15].map(|()| {
        let began = Instant::now();
        flow.passes();
        began.elapsed()
    });
    trips.sort_unstable();
    trips[7]
}

#[test]
fn netem_adds_the_delay_and_goes() {
    if skip_without_netem() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let (listed, quick) = (lan.inside("tc qdisc show"), round_trip(&mut flow));
        let args = ["network-latency", "--pid", lan.pid(), "delay=150ms"];
        let mut delay = Injection::start(&args);
        let slow = round_trip(&mut flow);
        let shown = lan.inside("tc qdisc show dev eth1");
        assert!(shown.contains("netem") && shown.contains("delay 150ms"), "{shown}");
        let added = slow.saturating_sub(quick).as_secs_f64() / 0.150;
        println!("round trip {quick:.1?}, with a delay of 150 ms {slow:.1?}");
        assert!((0.9..=1.1).contains(&added), "{quick:?}, then {slow:?}");
        delay.await_proof();
        let proofs = delay.stop().proofs();
        assert!(proofs[0].ends_with("packets delayed, none lost"), "{proofs:?}");
        assert_eq!(lan.inside("tc qdisc show"), listed);
        assert!(round_trip(&mut flow) < Duration::from_millis(100));
    });
}

#[test]
fn netem_takes_no_foreign_place() {
    if skip_without_netem() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        lan.inside("tc qdisc add dev eth1 root tbf rate 10mbit burst 32kbit latency 400ms");
        let listed = lan.inside("tc qdisc show");
        let args = ["network-latency", "--pid", lan.pid(), "delay=50ms", "engine=netem"];
        if shakedown::sys::net::nft::supported()
            .expect("the kernel can be asked")
            .forward
            .is_supported()
        {
            let delay = Injection::start(&args);
            let root = |listed: String| {
                listed.lines().find(|line| line.contains("tbf")).map(str::to_owned)
            };
            assert_eq!(root(lan.inside("tc qdisc show")), root(listed.clone()));
            delay.stop();
        } else {
            let said = refused(&[&args[..], &["--for", "1s"]].concat());
            assert!(said.contains("tbf"), "{said}");
        }
        assert_eq!(lan.inside("tc qdisc show"), listed);
    });
}
