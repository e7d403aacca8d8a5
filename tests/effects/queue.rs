//! The engine `queue`: packets wait, vanish and pass in user space, and nothing stays when it ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shakedown::sys::net::{Support, queue};

use super::injection::{Injection, inject};
use super::lan::{Flow, Lan, apart};
use super::oracle::{descendants, eventually};
use crate::support::{skip, skip_unless_root};

/// Whether this kernel lacks packet queues. Says so.
fn skip_without_queues() -> bool {
    match queue::supported() {
        _ if skip_unless_root() => true,
        Ok(Support::Supported) => false,
        Ok(Support::Missing { reason }) => {
            skip(&format!("this kernel has no packet queues: {reason}"));
            true
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// Everything that a fault could leave in the target's network.
fn state(lan: &Lan) -> String {
    [
        "nft list ruleset",
        "tc qdisc show",
        "ip route",
        "cat /proc/self/net/netfilter/nfnetlink_queue",
    ]
    .map(|command| lan.inside(command))
    .concat()
}

fn round_trip(flow: &mut Flow) -> Duration {
    let mut trips = [(); 9].map(|()| {
        let began = Instant::now();
        flow.passes();
        began.elapsed()
    });
    trips.sort_unstable();
    trips[4]
}

/// The process that holds the queue.
fn agent(injection: &Injection) -> Pid {
    let mut found = Vec::new();
    eventually("the agent runs", || {
        found = descendants(injection.pid(), "agent");
        !found.is_empty()
    });
    Pid::from_raw(found[0])
}

#[test]
fn packets_wait_either_way_and_nothing_stays() {
    if skip_without_queues() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        for (address, direction, added) in [
            ("198.51.1.2:7", "direction=to", 100),
            ("198.51.1.2:7", "direction=from", 100),
            ("[fd00:1::2]:7", "direction=both", 200),
        ] {
            let mut flow = Flow::open(address);
            let (before, quick) = (state(&lan), round_trip(&mut flow));
            let args =
                ["network-latency", "--pid", lan.pid(), "delay=100ms", "engine=queue", direction];
            let mut injection = Injection::start(&args);
            let slow = round_trip(&mut flow).saturating_sub(quick);
            println!("{address} {direction}: {slow:.1?} longer");
            let added = Duration::from_millis(added);
            assert!(slow > added && slow < added + Duration::from_millis(30), "{slow:?}");
            injection.await_proof();
            let proofs = injection.stop().proofs();
            assert!(proofs[0].contains("packets held for 10"), "{proofs:?}");
            assert_eq!(state(&lan), before);
            assert!(round_trip(&mut flow) < Duration::from_millis(50));
        }
    });
}

#[test]
fn packets_pass_when_the_agent_is_killed() {
    if skip_without_queues() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let before = state(&lan);
        let args = ["network-latency", "--pid", lan.pid(), "delay=10s", "engine=queue"];
        let injection = Injection::start(&args);
        flow.is_cut();
        kill(agent(&injection), Signal::SIGKILL).expect("it runs");
        flow.answers();
        injection.finish();
        assert_eq!(state(&lan), before);
    });
}

#[test]
fn packets_pass_when_the_agent_is_stopped() {
    if skip_without_queues() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let args = ["network-latency", "--pid", lan.pid(), "delay=300ms", "engine=queue"];
        let injection = Injection::start(&args);
        let agent = agent(&injection);
        kill(agent, Signal::SIGSTOP).expect("it runs");
        flow.is_cut();
        // The lease of the rules ends after five seconds.
        flow.answers();
        kill(agent, Signal::SIGCONT).expect("it is stopped");
        injection.stop();
    });
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_touched() {
    if skip_without_queues() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let before = state(&lan);
        let args = ["network-duplication", "--pid", lan.pid(), "percent=10%", "engine=queue"];
        let output = inject(&[&args[..], &["direction=from", "--for", "1s"]].concat());
        assert_eq!(output.code, Some(2), "{output}");
        let said = "cannot duplicate what the target receives";
        assert!(output.stderr.contains(said), "{output}");
        assert_eq!(state(&lan), before);
    });
}

/// What iperf3 measures from the test to the target, in Mbit/s.
fn throughput(lan: &Lan, address: &str) -> f64 {
    let network = format!("--net=/proc/{}/ns/net", lan.pid());
    let mut server = Command::new("nsenter")
        .args([&network, "iperf3", "--server", "--one-off"])
        .stdout(Stdio::null())
        .spawn()
        .expect("iperf3 is installed");
    eventually("iperf3 listens", || lan.inside("ss -Hltn sport = :5201").contains("5201"));
    let output = Command::new("iperf3")
        .args(["--client", address, "--time", "3", "--omit", "1", "--json"])
        .output()
        .expect("iperf3 is installed");
    server.wait().expect("it is our child");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    report["end"]["sum_received"]["bits_per_second"].as_f64().expect("a number") / 1e6
}

#[test]
fn iperf3_sees_the_rate() {
    if skip_without_queues() {
        return;
    }
    if Command::new("iperf3").arg("--version").output().is_err() {
        return skip("iperf3 is not installed");
    }
    apart(|| {
        let lan = Lan::new(1);
        for (address, direction) in [("198.51.1.2", "from"), ("fd00:1::2", "from")] {
            let direction = format!("direction={direction}");
            let args =
                ["network-rate", "--pid", lan.pid(), "rate=20Mbit/s", "engine=queue", &direction];
            let injection = Injection::start(&args);
            let measured = throughput(&lan, address);
            println!("{address}: {measured:.1} Mbit/s of 20, headers not counted");
            assert!((17.0..20.0).contains(&measured), "{measured}");
            injection.stop();
        }
    });
}
