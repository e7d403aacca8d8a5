//! Services with a network of their own: addresses of their choice and of ours, of both versions
//! of IP, and subnets that belong to nobody else.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lan::apart;
use crate::support::{Output, Sandbox, skip, skip_unless_root};

/// An experiment with these services, which is over at once.
fn experiment(services: &str) -> Sandbox {
    let text = format!(
        "\
version: 1
title: Services
services:
{services}
hypothesis:
  title: they run
  before: 200ms
  after: 200ms
  probes: [{{ name: test, process: {{ select: {{ pid: {} }} }} }}]
method: [{{ target: {{ service: a }}, fault: process-pause, for: 300ms }}]
",
        std::process::id()
    );
    Sandbox::new().file("e.yaml", &text)
}

/// Whether this test needs what this machine lacks: root, or IPv6. Says so.
fn skip_without_ipv6() -> bool {
    if skip_unless_root() {
        return true;
    }
    let missing = std::net::UdpSocket::bind("[::1]:0").is_err();
    if missing {
        skip("this machine has no IPv6");
    }
    missing
}

/// Runs it; it must hold.
#[track_caller]
fn hold(services: &str) {
    let sandbox = experiment(services);
    let run = sandbox.finish(&mut sandbox.command(["run", "e.yaml"]));
    run.ended(0, "held");
}

/// A service is ready when its check has passed: here that another answers a ping.
fn pinging(name: &str, network: &str, address: &str) -> String {
    format!(
        "  {name}: {{ command: [sh, -c, 'ping -c 1 -W 5 {address} >/dev/null && touch \"$0\" && exec sleep 60', '${{run.dir}}/{name}'], \
         network: {network}, ready: {{ command: {{ run: [test, -e, '${{run.dir}}/{name}'] }} }} }}\n"
    )
}

#[test]
fn chosen_and_given_addresses_reach_each_other_by_both_versions() {
    if skip_without_ipv6() {
        return;
    }
    let a = "  a: { command: [sleep, '60'], network: { address: [10.213.79.1, 'fd21:79::1'] } }\n";
    hold(
        &[
            a.to_owned(),
            pinging("b", "own", "10.213.79.1"),
            pinging("c", "own", "fd21:79::1"),
            pinging("d", "{ address: 'fd21:79::9/64' }", "${service.c.address6}"),
            // This host is there too: at the lowest address that nobody has chosen.
            pinging("e", "{ address: 10.213.79.7/24 }", "10.213.79.2"),
        ]
        .concat(),
    );
}

#[test]
fn given_addresses_are_of_both_versions() {
    if skip_without_ipv6() {
        return;
    }
    let a = "  a: { command: [sleep, '60'], network: own }\n".to_owned();
    hold(
        &[
            a,
            pinging("b", "own", "${service.a.address}"),
            pinging("c", "own", "${service.a.address6}"),
        ]
        .concat(),
    );
}

#[test]
fn what_this_host_uses_is_refused() {
    if skip_unless_root() {
        return;
    }
    apart(|| {
        let refused = || {
            let services = "  a: { command: [sleep, '60'], network: { address: 10.214.7.1 } }\n";
            let output: Output = experiment(services).run(["plan", "e.yaml"]);
            assert_eq!(output.code, Some(4), "{output}");
            output.stderr
        };
        let ip = |line: &str| {
            let status = Command::new("ip").args(line.split(' ')).status().expect("ip runs");
            assert!(status.success(), "{line}");
        };
        ip("route add 10.214.0.0/16 dev lo");
        insta::assert_snapshot!(refused(), @r"
        error: the services' network 10.214.7.0/24 is in use on this host: the route 10.214.0.0/16
        help: choose other addresses in `services`, or `network: own`
        ");
        ip("route delete 10.214.0.0/16 dev lo");
        ip("address add 10.214.7.200/25 dev lo");
        assert!(refused().contains("the address 10.214.7.200/25"), "{}", refused());
    });
}

/// Runs that are begun at the same moment, in a network that only they are in.
#[test]
fn no_two_runs_have_the_same_subnet() {
    if skip_unless_root() {
        return;
    }
    apart(|| {
        let services = "  a: { command: [sleep, '60'], network: own }\n";
        let sandboxes: Vec<_> = (0..5).map(|_| experiment(services)).collect();
        let start = |sandbox: &Sandbox| {
            let mut command = sandbox.command(["run", "e.yaml", "--format", "json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let runs: Vec<_> = sandboxes.iter().map(start).collect();
        let subnet = |run: std::process::Child| {
            let output = run.wait_with_output().expect("it ends");
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{told}");
            let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
            let folder = report["folder"].as_str().expect("a folder").to_owned();
            let plan = std::fs::read_to_string(format!("{folder}/plan.json")).expect("a plan");
            let plan: Value = serde_json::from_str(&plan).expect("JSON");
            plan["network"]["addresses"].to_string()
        };
        let subnets: BTreeSet<String> = runs.into_iter().map(subnet).collect();
        assert_eq!(subnets.len(), sandboxes.len(), "{subnets:?}");
    });
}

/// The same where both have chosen it: one of them is told.
#[test]
fn a_chosen_subnet_belongs_to_one_run() {
    if skip_unless_root() {
        return;
    }
    apart(|| {
        let services = "  a: { command: [sleep, '60'], network: { address: 10.214.8.1 } }\n";
        let sandboxes = [experiment(services), experiment(services)];
        let start = |sandbox: &Sandbox| {
            let mut command = sandbox.command(["run", "e.yaml"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let runs: Vec<_> = sandboxes.iter().map(start).collect();
        let mut codes = Vec::new();
        for run in runs {
            let output = run.wait_with_output().expect("it ends");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = output.status.code().expect("a code");
            let said = ["another run has the network", "is in use on this host"];
            assert!(code == 0 || said.iter().any(|said| told.contains(said)), "{told}");
            codes.push(code);
        }
        codes.sort_unstable();
        assert_eq!(codes, [0, 4]);
    });
}
