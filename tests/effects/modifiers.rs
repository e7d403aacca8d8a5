//! Faults that come and go, grow, or are left to chance: what others see of them in time.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::injection::Injection;
use super::lan::{Lan, apart};
use super::target::Target;
use crate::support::{Finished, Sandbox, skip, skip_unless_root};

/// An experiment with one step on a process.
fn experiment(pid: &str, step: &str) -> String {
    format!(
        r"
version: 1
title: a step with modifiers
hypothesis:
  title: the test is there
  before: 100ms
  after: 100ms
  probes: [{{ name: test, process: {{ select: {{ pid: {} }} }} }}]
method:
  - {{ name: step, target: {{ process: {{ pid: {pid} }} }}, {step} }}
",
        std::process::id()
    )
}

/// Whether a process is stopped by who traces it, or frozen.
fn is_stopped(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let state = status.lines().find(|line| line.starts_with("State:")).expect("it has a state");
    state.contains("(tracing stop)")
}

/// When a process stopped and ran again, since the first stop, until the run ends.
fn stops(pid: &str, run: &mut Injection) -> Vec<(Duration, Duration)> {
    let (mut all, mut first, mut since) = (Vec::new(), None, None);
    while run.is_on() {
        match (is_stopped(pid), since) {
            (true, None) => since = Some(Instant::now()),
            (false, Some(began)) => {
                let origin = *first.get_or_insert(began);
                all.push((began.duration_since(origin), origin.elapsed()));
                since = None;
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(since, None, "the step ends with the fault off");
    all
}

fn acts(run: &Finished) -> &Vec<Value> {
    run.report["steps"][0]["acts"].as_array().expect("a list")
}

/// What a loaded machine may be late.
const LATE: Duration = Duration::from_millis(90);

#[test]
fn a_pulse_begins_where_it_was_promised_however_many_came_before() {
    if skip_unless_root() {
        return;
    }
    let target = Target::sleeper();
    let step = "fault: process-pause, for: 2100ms, pulse: { on: 200ms, off: 300ms }";
    let mut run = Injection::of_experiment(&experiment(target.arg(), step), "step for 2s100ms");
    let seen = stops(target.arg(), &mut run);
    println!("{seen:.0?}");
    let run = run.finish();
    assert_eq!(run.ended(0, "held").proofs().len(), 5, "{}", run.told);
    assert_eq!(seen.len(), 5, "{seen:?}");
    for (number, (began, ended)) in (0_u32..).zip(&seen) {
        let due = Duration::from_millis(500) * number;
        // The last is cut short by the end of the step.
        let length = Duration::from_millis(if number == 4 { 100 } else { 200 });
        assert!(began.abs_diff(due) < LATE, "{seen:?}");
        assert!(ended.abs_diff(due + length) < LATE, "{seen:?}");
    }
    assert!(run.told.contains("process-pause on process"), "{}", run.told);
    assert_eq!(run.told.matches("injected ").count(), 1, "{}", run.told);
    assert!(run.told.contains("5 times, 5 of them proved"), "{}", run.told);
}

#[test]
fn ctrl_c_in_a_pulse_undoes_it() {
    if skip_unless_root() {
        return;
    }
    let target = Target::sleeper();
    let step = "fault: process-pause, for: 30s, pulse: { on: 5s, off: 100ms }";
    let run = Injection::of_experiment(&experiment(target.arg(), step), "injected");
    assert!(is_stopped(target.arg()));
    run.stop();
    assert!(!is_stopped(target.arg()));
}

#[test]
fn what_the_seed_leaves_out_is_never_touched_and_spoils_nothing() {
    if skip_unless_root() {
        return;
    }
    let target = Target::sleeper();
    let step = "fault: process-pause, for: 300ms, probability: 0.0001%";
    let mut run = Injection::of_experiment(&experiment(target.arg(), step), "step for 300ms");
    assert_eq!(stops(target.arg(), &mut run), []);
    let run = run.finish();
    assert!(acts(run.ended(0, "held")).is_empty());
    assert!(run.told.contains("left out by the seed, probability 0.0001%"), "{}", run.told);
}

#[test]
fn what_the_plan_says_of_chance_is_what_happens() {
    if skip_unless_root() {
        return;
    }
    let target = Target::sleeper();
    let step = "fault: process-pause, for: 2s, pulse: { on: 100ms, off: 100ms }, probability: 50%";
    let sandbox = Sandbox::new().file("e.yaml", &experiment(target.arg(), step));
    let plan = sandbox.run(["plan", "e.yaml", "--seed", "11", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    let turns = plan["entries"][0]["steps"][0]["turns"].as_array().expect("a list");
    let chosen: Vec<bool> =
        turns.iter().map(|turn| !turn["acts"].as_array().expect("a list").is_empty()).collect();
    let count = chosen.iter().filter(|yes| **yes).count();
    assert!((1..10).contains(&count), "{chosen:?}");
    let run = sandbox.finish(&mut sandbox.command(["run", "e.yaml", "--seed", "11", "--yes"]));
    let acts = acts(run.ended(0, "held"));
    assert_eq!(acts.len(), count);
    let moment = |act: &Value| act["injected"].as_u64().expect("nanoseconds");
    let began = run.report["steps"][0]["began"].as_u64().expect("nanoseconds");
    let due = (0_u64..).zip(&chosen).filter(|(_, yes)| **yes).map(|(number, _)| number * 200);
    for (act, millis) in acts.iter().zip(due) {
        let late = Duration::from_nanos(moment(act).saturating_sub(began + millis * 1_000_000));
        assert!(late < LATE, "{late:?}");
    }
}

#[test]
fn a_ramp_asks_for_more_and_more() {
    if skip_unless_root() {
        return;
    }
    let target = Target::sleeper();
    let step = "fault: { cpu-stress: { cores: 1, load: 30% } }, for: 1500ms, \
                ramp: { from: 10%, over: 1s, steps: 2 }";
    let run = Injection::of_experiment(&experiment(target.arg(), step), "10% to 30% in 2 steps");
    let run = run.finish();
    let proofs = run.ended(0, "held").proofs();
    let asked: Vec<&str> =
        proofs.iter().filter_map(|proof| Some(proof.split_once(", asked ")?.1)).collect();
    assert_eq!(asked, ["10%", "20%", "30%"], "{proofs:?}");
    let moments: Vec<u64> = acts(&run)
        .iter()
        .map(|act| act["injected"].as_u64().expect("nanoseconds") / 1_000_000)
        .collect();
    let gap = acts(&run)[1]["injected"].as_u64().expect("nanoseconds")
        - acts(&run)[0]["undone"]["at"].as_u64().expect("nanoseconds");
    println!("levels at {moments:?} ms, {:?} between two", Duration::from_nanos(gap));
    for (two, due) in moments.windows(2).zip([500, 500]) {
        assert!((two[1] - two[0]).abs_diff(due) < 150, "{moments:?}");
    }
}

/// Pings the target twenty times a second, so often.
fn pings(count: u32) -> Child {
    Command::new("ping")
        .args(["-n", "-i", "0.05", "-W", "1", "-c", &count.to_string(), "198.51.1.2"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ping is installed")
}

/// The numbers of the pings that were answered, each with its time in milliseconds.
fn answers(pings: Child) -> Vec<(u32, f64)> {
    let output = pings.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split(' ').next().map(str::to_owned)
    };
    let answer = |line: &str| {
        let number = field(line, "icmp_seq=")?.parse().ok()?;
        Some((number, field(line, "time=")?.parse().ok()?))
    };
    text.lines().filter_map(answer).collect()
}

/// Whether this kernel lacks what a partition needs. Says so.
fn skip_without_tables() -> bool {
    if skip_unless_root() {
        return true;
    }
    let Ok(found) = shakedown::sys::net::nft::supported() else { return false };
    found.missing().inspect(|missing| skip(&format!("this kernel lacks {missing}"))).is_some()
}

#[test]
fn a_link_flaps() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let before = lan.inside("nft list ruleset");
        let step = "fault: network-partition, for: 3s, pulse: { on: 500ms, off: 500ms }";
        let text = experiment(lan.pid(), step);
        let run = Injection::of_experiment(&text, "step for 3s");
        let pings = pings(64);
        let run = run.finish();
        let answered = answers(pings);
        assert_eq!(run.ended(0, "held").proofs().len(), 3, "{}", run.told);
        // Lost, answered, lost, answered, lost, answered: each half a second, ten pings.
        let lost: Vec<u32> =
            (1..=64).filter(|n| answered.iter().all(|(other, _)| other != n)).collect();
        let runs = lost.chunk_by(|one, other| other - one == 1);
        let lengths: Vec<usize> = runs.map(<[u32]>::len).collect();
        println!("pings lost in a row: {lengths:?}");
        assert_eq!(lengths.len(), 3, "{lost:?}");
        assert!(lengths.iter().all(|length| (6..=12).contains(length)), "{lost:?}");
        assert_eq!(lan.inside("nft list ruleset"), before);
    });
}

#[test]
fn a_pulse_that_nothing_met_takes_nothing_from_one_that_something_did() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        // What two kernels have to say to each other by themselves meets no such fault.
        let step = "fault: { network-partition: { peers: { addresses: [198.51.1.1] } } }, for: 2s, \
                    pulse: { on: 500ms, off: 500ms }";
        let text = experiment(lan.pid(), step);
        let run = Injection::of_experiment(&text, "set up network-partition");
        super::lan::ping_from_here("198.51.1.2");
        let run = run.finish();
        run.ended(0, "held");
        let proved = acts(&run).iter().filter(|act| act["effect"]["strength"] == "proved").count();
        assert_eq!((acts(&run).len(), proved), (2, 1), "{}", run.told);
        assert!(run.told.contains("2 times, 1 of them proved"), "{}", run.told);
        let nobody = Injection::of_experiment(&text, "step for 2s").finish();
        nobody.ended(7, "inconclusive");
    });
}

#[test]
fn netem_delays_more_and_more() {
    use shakedown::sys::net::{Support, netem};
    if skip_unless_root() {
        return;
    }
    if let Support::Missing { reason } = netem::supported().expect("it can be tried") {
        return skip(&format!("this kernel has no netem: {reason}"));
    }
    apart(|| {
        let lan = Lan::new(1);
        let step = "fault: { network-latency: { delay: 300ms, engine: netem } }, for: 6s, \
                    ramp: { from: 100ms, over: 4s, steps: 2 }";
        let run = Injection::of_experiment(&experiment(lan.pid(), step), "step for 6s");
        let pings = pings(100);
        let run = run.finish();
        run.ended(0, "held");
        let times: Vec<f64> = answers(pings).into_iter().map(|(_, time)| time).collect();
        println!("{times:?}");
        let near = |asked: f64| times.iter().filter(|it| (**it - asked).abs() < 25.0).count();
        // Each level lasts two seconds, forty pings.
        for level in [100.0, 200.0, 300.0] {
            assert!(near(level) >= 20, "{level}: {times:?}");
        }
        assert!(!lan.inside("tc qdisc show").contains("netem"));
    });
}
