//! How long it takes to put a fault into a namespace and to take it away, beside tc as a process.
//! A measurement, not a test: `cargo test --release --lib shaping::speed -- --ignored --nocapture`.

use std::process::Command;
use std::time::{Duration, Instant};

use super::super::netem::{self, Netem};
use super::super::tbf::Tbf;
use super::super::testbed::{Pair, privileged};
use super::super::{Removed, Support};
use super::fixture::{Shaper, everything, sent};
use super::*;
use crate::act::Flow;

const RUNS: usize = 50;
const NAMESPACES: usize = 1000;

/// netem where the kernel has it, else tbf, with tc's words for the same.
fn discipline() -> (Discipline, &'static str) {
    match netem::supported().unwrap() {
        Support::Supported => {
            let netem = Netem { delay: Duration::from_millis(100), ..Netem::default() };
            (Discipline::Netem(netem), "netem delay 100ms")
        }
        Support::Missing { .. } => {
            let tbf = Tbf { rate: 1_000_000, burst: 2000, limit: 20_000 };
            (Discipline::Tbf(tbf), "tbf rate 8mbit burst 2000 limit 20000")
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    (act(), begin.elapsed())
}

/// The resident memory of this process, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// From looking for interfaces to having read back that the fault is there, as for an act.
fn put<'a>(namespace: &'a Namespace, traffic: &Traffic, discipline: &Discipline) -> Shaper<'a> {
    let shaper = Shaper::new(namespace, traffic);
    shaper.add(discipline);
    shaper
}

#[test]
#[ignore = "a measurement"]
fn one_namespace() {
    if !privileged() {
        return;
    }
    let (discipline, words) = discipline();
    let part = sent(Flow { remote_ports: vec!["80".parse().unwrap()], ..Flow::default() });
    let both = Traffic { hooks: vec![Hook::Ingress, Hook::Egress], ..part.clone() };
    for (name, traffic) in
        [("everything", everything()), ("a port", part), ("a port, both ways", both)]
    {
        let pair = Pair::new();
        let (mut puts, mut takes) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let (shaper, time) = timed(|| put(&pair.near, &traffic, &discipline));
            puts.push(time);
            let (removed, time) = timed(|| shaper.remove());
            assert_eq!(removed, Removed::Deleted);
            takes.push(time);
        }
        println!("{words}, {name}: put {:.2?}, taken away {:.2?}", median(puts), median(takes));
    }
    let pair = Pair::new();
    let tc = |line: String| {
        let mut command = Command::new("tc");
        command.args(line.split(' '));
        timed(|| assert!(pair.near.run_in(|| command.status().unwrap().success()).unwrap())).1
    };
    let runs = (0..RUNS).map(|_| {
        (tc(format!("qdisc add dev eth0 root {words}")), tc("qdisc del dev eth0 root".to_owned()))
    });
    let (puts, takes): (Vec<_>, Vec<_>) = runs.unzip();
    println!("{words} by tc: put {:.2?}, taken away {:.2?}", median(puts), median(takes));
}

#[test]
#[ignore = "a measurement"]
fn a_thousand_namespaces() {
    if !privileged() {
        return;
    }
    let (discipline, words) = discipline();
    let pairs: Vec<Pair> = (0..NAMESPACES / 2).map(|_| Pair::new()).collect();
    let namespaces: Vec<&Namespace> =
        pairs.iter().flat_map(|pair| [&pair.near, &pair.far]).collect();
    let before = resident();
    let (shapers, putting) = timed(|| {
        namespaces
            .iter()
            .map(|namespace| put(namespace, &everything(), &discipline))
            .collect::<Vec<_>>()
    });
    let memory = resident();
    let ((), taking) = timed(|| {
        assert!(shapers.iter().all(|shaper| shaper.remove() == Removed::Deleted));
    });
    println!(
        "{words} in {NAMESPACES} namespaces: put {putting:.2?}, taken away {taking:.2?}, \
         {memory:.0} MiB resident, {before:.0} MiB before"
    );
}
