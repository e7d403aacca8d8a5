//! Network faults that meet each other, and whom the target's network is taken from meanwhile.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::{agents, send};
use crate::support::{Output, Sandbox, skip, skip_unless_root};

/// A replica in a network of its own, asked all the time, and what is done to it.
fn experiment(before: &str, port: u16, steps: &str) -> String {
    format!(
        r#"
version: 1
title: network faults that meet
services:
  a:
    command: [sh, -c, '{before} exec "$0" demo replica --listen "$1"', "${{shakedown}}", "${{service.a.address}}:{port}"]
    network: own
    ready: {{ tcp: {{ address: "${{service.a.address}}:{port}" }} }}
hypothesis:
  title: it is asked
  before: 200ms
  after: 200ms
  probes:
    - name: answers
      http: {{ url: "http://${{service.a.address}}:{port}/", rate: 50/s, timeout: 300ms, expect: {{ status: 100-599 }} }}
      tolerance: {{ success: {{ at-least: 0% }} }}
method:
  - parallel:
{steps}
"#
    )
}

fn step(fault: &str, delay: &str, length: &str) -> String {
    format!(
        "      - {{ target: {{ service: a }}, fault: {{ {fault} }}, delay: {delay}, for: {length} }}\n"
    )
}

/// Runs it, unless this kernel cannot.
fn run(text: &str) -> Option<Output> {
    if skip_unless_root() {
        return None;
    }
    let output = Sandbox::new().file("a.yaml", text).run(["run", "a.yaml"]);
    if output.stderr.contains("this kernel cannot") {
        skip("this kernel has no nf_tables with owners, or no packet queues");
        return None;
    }
    Some(output)
}

const QUEUE: &str = "network-latency: { delay: 50ms, direction: both, engine: queue }";

/// The kernel drops what any queue of a namespace holds when any chain there is removed.
#[test]
fn a_filter_that_ends_costs_a_queue_beside_it_nothing() {
    for other in [
        "network-loss: { percent: 20% }",
        "http-fault: { ports: [18411], delay: 5ms }",
        "connection-reset: { new: refuse, peers: { local-ports: [18411] } }",
    ] {
        let steps = [step(QUEUE, "0s", "1s"), step(other, "300ms", "300ms")].concat();
        let Some(output) = run(&experiment("", 18411, &steps)) else { return };
        assert_eq!(output.code, Some(0), "{other}: {output}");
        assert!(output.stdout.contains("none lost"), "{other}: {output}");
    }
}

#[test]
fn of_two_that_do_not_add_up_the_second_is_refused() {
    let http = "http-fault: { ports: [18412], delay: 5ms }";
    let tcp = "tcp-proxy: { ports: [18000-19000], latency: { delay: 5ms } }";
    let rate = "network-rate: { rate: 1Mbit/s }";
    for (one, other, said) in [
        (http, tcp, "cannot go through two"),
        (QUEUE, rate, "another step of this run does the like"),
    ] {
        let steps = [step(one, "0s", "1s"), step(other, "300ms", "300ms")].concat();
        let Some(output) = run(&experiment("", 18412, &steps)) else { return };
        assert_eq!(output.code, Some(4), "{output}");
        assert!(output.stderr.contains(said), "{output}");
    }
}

#[test]
fn an_interface_that_somebody_takes_away_is_no_failed_undo() {
    for fault in [QUEUE, "network-partition: {}", "network-rate: { rate: 1Mbit/s }"] {
        let text = experiment("(sleep 1; ip link delete eth0) &", 18413, &step(fault, "0s", "2s"));
        let Some(output) = run(&text) else { return };
        assert!(!output.stderr.contains("could not undo"), "{output}");
        assert!(output.stdout.contains("nothing left behind"), "{output}");
    }
}

#[test]
fn a_fault_whose_agent_stood_still_too_long_is_not_proved() {
    if skip_unless_root() {
        return;
    }
    for fault in [QUEUE, "http-fault: { ports: [18414], delay: 5ms }"] {
        let sandbox = Sandbox::new();
        let text = experiment("", 18414, &step(fault, "0s", "9s"));
        let output = stopped_for(Duration::from_secs(6), &sandbox.file("a.yaml", &text));
        if !output.contains("this kernel cannot") {
            assert!(output.contains("the table did not match all the time"), "{output}");
        }
    }
}

/// What a run tells whose agent stands still for a while.
fn stopped_for(time: Duration, sandbox: &Sandbox) -> String {
    let mut command = sandbox.command(["run", "a.yaml"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let run = command.spawn().expect("it starts");
    std::thread::sleep(Duration::from_secs(2));
    for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
        for agent in agents(sandbox) {
            send(agent, signal);
        }
        std::thread::sleep(if signal == Signal::SIGSTOP { time } else { Duration::ZERO });
    }
    let output = run.wait_with_output().expect("ours");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn what_would_mean_everything_or_nothing_is_refused_with_its_reason() {
    for (fault, said) in [
        ("network-partition: { peers: { hosts: [] } }", "an empty list matches nothing"),
        ("network-partition: { interfaces: [] }", "an empty list matches nothing"),
        ("network-reordering: { percent: 100% }", "none overtakes another"),
        ("network-loss: { percent: 5%, peers: { protocols: [icmp], ports: [80] } }", "no ports"),
        (
            "network-duplication: { percent: 5%, direction: both, engine: queue }",
            "it cannot duplicate what the target receives",
        ),
    ] {
        let sandbox =
            Sandbox::new().file("a.yaml", &experiment("", 18415, &step(fault, "0s", "1s")));
        let output = sandbox.run(["plan", "a.yaml"]);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(said), "{output}");
    }
}
