//! The files, run for real on ports of their own.

use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::support::{Finished, Sandbox, skip, skip_unless_root};

#[test]
fn quickstart_holds() {
    let run = Sandbox::new().experiment("quickstart", &[]);
    let [kill, pause] = <[String; 2]>::try_from(run.ended(0, "held").proofs()).expect("two acts");
    assert!(Regex::new(r"^process \d+ gone ").unwrap().is_match(&kill), "{kill}");
    assert_eq!(pause, "1 of 1 threads stopped");
    let length = run.report["length"].as_u64().expect("nanoseconds");
    assert!(length < 20_000_000_000, "it is to be quick, and took {length} ns");
}

#[test]
fn quickstart_weak_says_which_tolerance_broke_and_when_and_by_how_much() {
    let run = Sandbox::new().experiment("quickstart-weak", &[]);
    assert_eq!(run.ended(1, "deviated").proofs().len(), 2);
    let cause = run.report["cause"].as_str().expect("a sentence");
    let sentence = r"^during `(kill|hang)-a-replica`, checkout success \d+(\.\d+)?% < 99% \(missed by \d+(\.\d+)? points\), first at \+\d+(\.\d+)? m?s";
    assert!(Regex::new(sentence).unwrap().is_match(cause), "{cause}");
}

#[test]
fn redis_fails_over() {
    for program in ["redis-server", "redis-sentinel", "redis-cli"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skip(&format!("{program} is not installed"));
        }
    }
    let run = Sandbox::new().experiment("redis-sentinel-failover", &[]);
    run.ended(0, "held").proofs();
    let recovery = &probe(&run, "write")["recovery"];
    let nanos = |name: &str| recovery[name].as_u64().unwrap_or_else(|| panic!("{recovery:#}"));
    // A primary that was silent for a second is given up; writes cannot come back before that.
    assert!((1_000_000_000..10_000_000_000).contains(&nanos("outage-ns")), "{recovery:#}");
    assert!(nanos("time-to-detect-ns") < 2_000_000_000, "{recovery:#}");
}

/// Without pre-vote it is the repair of the link that stops all writes.
#[test]
fn etcd_loses_writes_when_a_link_is_repaired() {
    if skip_unless_root() {
        return;
    }
    for program in ["etcd", "etcdctl", "curl"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skip(&format!("{program} is not installed"));
        }
    }
    let run = Sandbox::new().experiment("etcd-partial-partition", &["--var", "net=10.213.78"]);
    run.ended(0, "held").proofs();
    let outage = |name: &str| probe(&run, name)["recovery"]["outage-ns"].as_u64().unwrap_or(0);
    assert!(outage("write-at-c") > 5_000_000_000, "{}", outage("write-at-c"));
    assert!((1..8_000_000_000).contains(&outage("write-at-b")), "{}", outage("write-at-b"));
    let phases = probe(&run, "leader-changes")["verdicts"].clone();
    let changes = |phase: usize| phases[phase]["figures"]["value"]["max"].as_f64();
    assert_eq!((changes(1), changes(2)), (Some(0.0), Some(1.0)), "{phases:#}");
}

#[test]
fn process_kill_is_repeated() {
    let run = Sandbox::new().experiment("process-kill", &[]);
    assert_eq!(run.ended(0, "held").proofs().len(), 3);
    let restarts: Vec<_> = services(&run).iter().map(|it| it["restarts"].clone()).collect();
    assert!(restarts.contains(&Value::from(3)) && restarts.contains(&Value::from(0)));
}

#[test]
fn process_pause_is_seen_by_nobody_who_retries() {
    let run = Sandbox::new().experiment("process-pause", &[]);
    assert_eq!(run.ended(0, "held").proofs(), ["1 of 1 threads stopped"]);
}

#[test]
fn process_restart_brings_another_process() {
    let run = Sandbox::new().experiment("process-restart", &[]);
    let proofs = run.ended(0, "held").proofs();
    let proof = r"^process \d+ is now process \d+, seen after ";
    assert!(Regex::new(proof).unwrap().is_match(&proofs[0]), "{proofs:?}");
}

#[test]
fn cpu_stress_burns_what_it_says() {
    let run = Sandbox::new().experiment("cpu-stress", &[]);
    // Other tests burn too: how quick the shop is says nothing here.
    assert!([Some(0), Some(1)].contains(&run.code), "{}", run.told);
    let proofs = run.proofs();
    assert!(proofs[0].starts_with("1 of 1 workers burn "), "{proofs:?}");
}

#[test]
fn disk_fill_takes_its_size() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let disk = sandbox.memory_disk("32m");
    let run = sandbox.experiment("disk-fill", &["--var", &format!("disk={}", disk.path())]);
    let proofs = run.ended(0, "held").proofs();
    assert!(proofs[0].starts_with("16MiB held, "), "{proofs:?}");
    assert_eq!(std::fs::read_dir(disk.path().to_string()).expect("it is mounted").count(), 0);
}

#[test]
fn connection_reset_cuts_what_is_open() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("connection-reset", &[]);
    // A busy machine is slow, which says nothing here.
    assert!([Some(0), Some(1)].contains(&run.code), "{}", run.told);
    assert!(run.told.contains(" cut"), "{}", run.told);
}

#[test]
fn network_partition_cuts_one_link_only() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("network-partition", &[]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    let proofs = run.ended(0, "held").proofs();
    assert!(Regex::new(r"^[1-9]\d* packets dropped").unwrap().is_match(&proofs[0]), "{proofs:?}");
}

#[test]
fn a_flapping_link_is_cut_each_time() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("flapping-link", &["--seed", "1"]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    // Other tests burn too: how quick the shop is says nothing here.
    assert!([Some(0), Some(1)].contains(&run.code), "{}", run.told);
    let acts = |step: usize| run.report["steps"][step]["acts"].as_array().expect("a list").len();
    assert_eq!([acts(0), acts(1)], [4, 3], "{}", run.told);
    run.proofs();
}

#[test]
fn dns_failure_is_bridged_by_a_cache() {
    for program in ["dnsmasq", "dig"] {
        if Command::new(program).arg("-v").output().is_err() {
            return skip(&format!("{program} is not installed"));
        }
    }
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("dns-failure", &[]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    let proofs = run.ended(0, "held").proofs();
    let proof = r"^[1-9]\d* of \d+ questions answered SERVFAIL, last shop.example.com A$";
    assert!(Regex::new(proof).unwrap().is_match(&proofs[0]), "{proofs:?}");
}

#[test]
fn http_fault_affects_half_of_the_requests() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("http-fault", &[]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    let proofs = run.ended(0, "held").proofs();
    assert!(Regex::new(r"^[1-9]\d* of \d+ requests").unwrap().is_match(&proofs[0]), "{proofs:?}");
}

#[test]
fn tcp_proxy_slows_a_replica() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("tcp-proxy", &[]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    // Other tests run too: how quick the shop is says nothing here.
    assert!([Some(0), Some(1)].contains(&run.code), "{}", run.told);
    let proofs = run.proofs();
    assert!(proofs[0].contains("data delayed by "), "{proofs:?}");
}

#[test]
fn network_latency_by_netem_delays() {
    if skip_unless_root() {
        return;
    }
    let run = Sandbox::new().experiment("network-latency", &[]);
    if run.code == Some(4) {
        return skip(run.report["cause"].as_str().unwrap_or_default());
    }
    // The lab machine is slow: how quick the shop is there says nothing.
    assert!([Some(0), Some(1)].contains(&run.code), "{}", run.told);
    run.proofs();
}

fn services(run: &Finished) -> &[Value] {
    run.report["services"].as_array().expect("services")
}

fn probe<'a>(run: &'a Finished, name: &str) -> &'a Value {
    let probes = run.report["probes"].as_array().expect("probes");
    probes.iter().find(|probe| probe["name"] == name).expect("the probe")
}
