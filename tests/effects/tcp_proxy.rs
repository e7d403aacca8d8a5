//! `tcp-proxy`: streams are spoilt as asked, on the way in and on the way out. A redis serves.

use std::time::{Duration, Instant};

use super::lan::{Flow, Lan, apart};
use super::proxied::{self, Server, run, skip_without_redirect};

fn fault(lan: &Lan, parameters: &[&str], look: impl FnOnce()) -> String {
    let base = ["tcp-proxy", "--pid", lan.pid()];
    proxied::inject(lan, &[&base, parameters].concat(), look)
}

/// How long a command of redis takes, and what it says.
fn redis(arguments: &str) -> (Duration, String) {
    let start = Instant::now();
    let said = run(&format!("redis-cli {arguments}"));
    (start.elapsed(), said)
}

#[test]
fn a_real_server_is_slow_over_both_families() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::redis(Some(&lan)) else { return };
        let proof = fault(&lan, &["ports=[6379]", "latency={delay: 200ms}"], || {
            for address in ["198.51.1.2", "fd00:1::2"] {
                let (time, said) = redis(&format!("-h {address} set key value"));
                assert_eq!(said, "OK\n");
                assert!(time >= Duration::from_millis(200), "{time:?}");
                assert_eq!(redis(&format!("-h {address} get key")).1, "value\n");
            }
        });
        assert!(proof.contains(" affected; data delayed by 20"), "{proof}");
        assert!(redis("-h 198.51.1.2 ping").0 < Duration::from_millis(200));
    });
}

#[test]
fn what_the_target_opens_goes_through_it_as_well() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::redis(None) else { return };
        let parameters = ["ports=[6379]", "direction=to", "latency={delay: 200ms, stream: both}"];
        let proof = fault(&lan, &parameters, || {
            for address in ["198.51.1.1", "fd00:1::1"] {
                let start = Instant::now();
                assert_eq!(lan.inside(&format!("redis-cli -h {address} ping")), "PONG\n");
                assert!(start.elapsed() >= Duration::from_millis(400));
            }
            // What others open to the target does not.
            Flow::open("198.51.1.2:7");
        });
        assert!(proof.contains(" affected"), "{proof}");
    });
}

#[test]
fn only_the_named_port_and_peer_are_led_through_it() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let parameters = ["ports=[7]", "peers={addresses: [198.51.2.0/24]}", "timeout={}"];
        let proof = fault(&lan, &parameters, || {
            for untouched in ["198.51.1.2:7", "198.51.2.2:8", "[fd00:2::2]:7"] {
                Flow::open(untouched);
            }
            Flow::unanswered("198.51.2.2:7");
        });
        assert_eq!(proof, "1 of 1 connection affected");
    });
}

#[test]
fn an_experiment_without_traffic_is_no_proof() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let args = ["tcp-proxy", "--pid", lan.pid(), "ports=[7]", "timeout={}", "--for", "300ms"];
        lan.inside("ip link set lo down");
        let said = super::injection::refused(&args);
        assert!(said.contains("`lo` of the target's network namespace is down"), "{said}");
        lan.inside("ip link set lo up");
        let fault = super::injection::Injection::begin(&args);
        let run = fault.finish();
        assert_ne!(run.code, Some(0), "{}", run.told);
    });
}
