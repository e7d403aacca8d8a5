//! `process-kill`: the signal arrives, at whom it is meant for and at nobody else.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use super::injection::Injection;
use super::oracle::{eventually, lives};
use super::pool::Pool;
use super::target::Target;
use crate::support::Finished;

const IGNORES_TERM: &str = "trap '' TERM; echo; exec sleep 1000";

fn kill(args: &[&str]) -> Finished {
    Injection::begin(&[&["process-kill"], args].concat()).finish()
}

/// The effect of the only act.
fn effect(run: &Finished) -> (&str, &str) {
    let effect = &run.report["steps"][0]["acts"][0]["effect"];
    let text = |name: &str| effect[name].as_str().expect("a text");
    (text("strength"), text("evidence"))
}

fn signal_that_ended(target: &mut Target) -> Option<i32> {
    eventually("the target ends", || target.ended().is_some());
    target.ended().and_then(|status| status.signal())
}

#[test]
fn what_ignores_sigterm_gets_sigkill_after_its_grace() {
    let mut target = Target::shell(IGNORES_TERM);
    let run = kill(&["--pid", target.arg(), "signal=TERM", "kill-after=300ms"]);
    assert_eq!(signal_that_ended(&mut target), Some(9));
    let (strength, evidence) = effect(run.ended(0, "held"));
    assert_eq!(strength, "proved", "{evidence}");
    let millis = evidence.split_once("seen ").and_then(|(_, rest)| {
        let (time, _) = rest.split_once(" after SIGTERM")?;
        match time.strip_suffix("ms") {
            Some(millis) => millis.parse::<f64>().ok(),
            None => time.strip_suffix('s')?.parse::<f64>().ok().map(|seconds| seconds * 1000.0),
        }
    });
    let millis = millis.unwrap_or_else(|| panic!("{evidence}"));
    // The upper bound is for a loaded machine.
    assert!((300.0..5000.0).contains(&millis), "{evidence}");
}

#[test]
fn what_ends_at_sigterm_gets_no_sigkill() {
    let mut target = Target::shell("trap 'exit 3' TERM; echo; while :; do sleep 0.01; done");
    let run = kill(&["--pid", target.arg(), "signal=TERM", "kill-after=20s"]);
    let (strength, evidence) = effect(run.ended(0, "held"));
    assert_eq!(strength, "proved", "{evidence}");
    eventually("the target ends", || target.ended().is_some());
    assert_eq!(target.ended().and_then(|status| status.code()), Some(3));
}

#[test]
fn a_signal_that_is_ignored_is_not_proved() {
    let mut target = Target::shell(IGNORES_TERM);
    let run = kill(&["--pid", target.arg(), "signal=TERM"]);
    let (strength, evidence) = effect(run.ended(7, "inconclusive"));
    assert_eq!(strength, "pending", "{evidence}");
    assert!(evidence.contains("still runs after SIGTERM"), "{evidence}");
    assert_eq!(target.ended(), None);
}

#[test]
fn another_signal_is_delivered() {
    let mut target = Target::shell("trap 'echo usr1' USR1; echo; while :; do sleep 0.01; done");
    let run = kill(&["--pid", target.arg(), "signal=USR1"]);
    assert_eq!(target.line(), "usr1");
    let delivered = format!("SIGUSR1 delivered to process {}", target.pid());
    assert_eq!(effect(run.ended(0, "held")), ("proved", delivered.as_str()));
    assert_eq!(target.ended(), None);
}

#[test]
fn children_are_left_alone() {
    let mut target = Target::shell("sleep 1000 & echo; echo $!; wait");
    let child: i32 = target.line().parse().expect("a number");
    let run = kill(&["--pid", target.arg()]);
    run.ended(0, "held").proofs();
    assert_eq!(signal_that_ended(&mut target), Some(9));
    let survived = lives(child);
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::SIGKILL);
    assert!(survived);
}

/// Whom a kill with this choice hits, by their order of birth.
fn hit(mut pool: Pool, pick: &str, seed: &str) -> BTreeSet<usize> {
    let run = kill(&["--token", pool.word(), "--pick", pick, "--seed", seed]);
    let proofs = run.ended(0, "held").proofs();
    let mut dead = BTreeSet::new();
    eventually("all that was proved has ended", || {
        let ended = |(index, target): (usize, &mut Target)| target.ended().map(|_| index);
        dead = pool.targets().iter_mut().enumerate().filter_map(ended).collect();
        dead.len() >= proofs.len()
    });
    assert_eq!(dead.len(), proofs.len(), "{proofs:?}");
    dead
}

#[test]
fn every_choice_hits_as_many_as_it_says() {
    for (pick, count) in [("all", 6), ("2", 2), ("50%", 3), ("one", 1)] {
        assert_eq!(hit(Pool::of(6), pick, "7").len(), count, "{pick}");
    }
}

#[test]
fn the_same_seed_chooses_the_same() {
    let [first, again] = ["11", "11"].map(|seed| hit(Pool::of(6), "3", seed));
    assert_eq!(first, again);
    let others: BTreeSet<_> =
        ["1", "2", "3"].map(|seed| hit(Pool::of(6), "3", seed)).into_iter().collect();
    assert!(others.len() > 1 || !others.contains(&first), "every seed chooses {first:?}");
}
