//! Plays all cells of a fault, several at a time, and tells what came of them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::stage::{own_mounts, own_network, tree};
use super::table::{Cell, Fault};
use crate::support::skip;

/// How many cells are played at a time: they wait more than they work.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(2) + 1
}

/// What became of the cells of a fault.
#[derive(Default)]
struct Tally {
    held: usize,
    skipped: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
    slowest: Duration,
}

/// Plays every cell of a fault; fails with the names of those that did not hold.
pub(super) fn check(fault: Fault) {
    if let Some(why) = missing(fault) {
        return skip(&format!("{}: {why}", fault.name()));
    }
    let wanted = std::env::var("SHAKEDOWN_CELLS").unwrap_or_default();
    let cells = Cell::all(fault).filter(|cell| cell.to_string().contains(&wanted));
    let cells: Mutex<Vec<Cell>> = Mutex::new(cells.collect());
    let tally = Mutex::new(Tally::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..at_once() {
            scope.spawn(|| {
                if fault == Fault::Fill {
                    own_mounts();
                }
                if fault.is_in_a_network() || fault.has_own_network() {
                    own_network();
                }
                while let Some(cell) = next(&cells) {
                    play(cell, &tally);
                }
            });
        }
    });
    tell(fault, &tally.into_inner().expect("no player panicked"), began.elapsed());
}

fn next(cells: &Mutex<Vec<Cell>>) -> Option<Cell> {
    cells.lock().expect("no player panicked").pop()
}

fn play(cell: Cell, tally: &Mutex<Tally>) {
    let began = Instant::now();
    let result = match cell.impossible() {
        Some(_) => Ok(()),
        None => std::panic::catch_unwind(|| cell.play())
            .unwrap_or_else(|_| Err("it panicked".to_owned())),
    };
    let mut tally = tally.lock().expect("no player panicked");
    tally.slowest = tally.slowest.max(began.elapsed());
    match (result, cell.impossible()) {
        (_, Some(why)) => *tally.skipped.entry(why).or_default() += 1,
        (Ok(()), _) => tally.held += 1,
        (Err(why), _) => tally.failed.push(format!("  {cell}\n      {why}")),
    }
}

fn tell(fault: Fault, tally: &Tally, took: Duration) {
    let skipped: usize = tally.skipped.values().sum();
    let reasons: Vec<String> =
        tally.skipped.iter().map(|(why, count)| format!("{count}: {why}")).collect();
    println!(
        "crash matrix: {}: {} cells held, {skipped} skipped ({}), {} failed; {took:.1?}, the slowest {:.1?}",
        fault.name(),
        tally.held,
        reasons.join("; "),
        tally.failed.len(),
        tally.slowest,
    );
    assert!(
        tally.failed.is_empty(),
        "{} cells of the crash matrix did not hold:\n{}",
        tally.failed.len(),
        tally.failed.join("\n")
    );
}

/// What this machine lacks for a fault.
fn missing(fault: Fault) -> Option<&'static str> {
    if !nix::unistd::geteuid().is_root() {
        return Some("making control groups, mounts and network namespaces takes root");
    }
    if tree().is_none() {
        return Some("this host has no control groups of version 2");
    }
    match fault {
        Fault::Latency if !has_netem() => Some("this kernel has no netem"),
        _ => None,
    }
}

/// Whether a delay can be set, tried in a namespace of its own.
fn has_netem() -> bool {
    let words =
        "ip link add name v0 type veth peer name v1 && tc qdisc add dev v0 root netem delay 1ms";
    let status = std::process::Command::new("unshare")
        .args(["--net", "sh", "-c", words])
        .stderr(std::process::Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
