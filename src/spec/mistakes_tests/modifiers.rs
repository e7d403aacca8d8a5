//! Rules for pulses, ramps and probabilities.

use insta::assert_snapshot;

use crate::spec::tests::{GOOD, read};

/// The complaints about a step with this fault and these fields; nothing if there are none.
fn complaints(fault: &str, fields: &str) -> String {
    let (before, _) = GOOD.split_once("method:").unwrap();
    let step =
        format!("method:\n  - {{ target: {{ service: payment }}, fault: {fault}, {fields} }}\n");
    let Err(mistakes) = read(&format!("{before}{step}")) else { return String::new() };
    let told = mistakes.to_string();
    let words = |line: &&str| ["error: ", "   = "].iter().any(|start| line.starts_with(start));
    told.lines().filter(words).map(str::trim_start).collect::<Vec<_>>().join("\n")
}

const LATENCY: &str = "{ network-latency: { delay: 100ms } }";

#[test]
fn what_fits_is_taken() {
    for (fault, fields) in [
        ("process-pause", "for: 10s, pulse: { on: 100ms, off: 100ms }, probability: 5%"),
        (LATENCY, "for: 10s, ramp: { from: 10ms, over: 9s }, probability: 100%"),
        (LATENCY, "for: 10s, ramp: { from: 900ms, to: 10ms, over: 9s, steps: 90 }"),
        ("{ process-kill: { every: 1s } }", "for: 10s, probability: 0.1%"),
        ("process-restart", "probability: 50%"),
    ] {
        assert_eq!(complaints(fault, fields), "", "{fault} {fields}");
    }
}

#[test]
fn a_pulse_needs_something_to_take_away() {
    let pulse = "for: 10s, pulse: { on: 1s, off: 1s }";
    assert_snapshot!(complaints("process-restart", pulse), @r"
    error: the fault is over at once, so nothing can be taken away between pulses
    = at: method[0].pulse
    = help: write the step as often as it should happen, with a `wait` between
    ");
    assert_snapshot!(complaints("{ process-kill: { every: 1s } }", pulse), @r"
    error: the fault is over at once, so nothing can be taken away between pulses
    = at: method[0].pulse
    = help: to kill again and again, give it `every: 5s`
    ");
}

#[test]
fn a_pulse_has_room_and_an_end() {
    assert_snapshot!(complaints("process-pause", "for: 10s, pulse: { on: 20ms, off: 99ms }"), @r"
    error: 20ms is too short; the shortest is 100ms
    = at: method[0].pulse.on
    = help: to put and to take away a fault takes some milliseconds itself
    error: 99ms is too short; the shortest is 100ms
    = at: method[0].pulse.off
    = help: to put and to take away a fault takes some milliseconds itself
    ");
    assert_snapshot!(complaints("process-pause", "for: 10s, pulse: { on: 10s, off: 1s }"), @r"
    error: the step ends, after 10s, before the first pulse does
    = at: method[0].pulse.on
    = help: make `for` longer, or leave `pulse` out
    ");
    assert_snapshot!(complaints("process-pause", "pulse: { on: 10s, off: 1s }"), @r"
    error: the field `for` is missing
    = at: method[0]
    = help: say how long the fault stays, such as `for: 30s`
    ");
    assert_snapshot!(complaints("process-pause", "for: 100s, pulse: { on: 1, off: 1s }"), @r"
    error: expected a duration with its unit, such as `250ms` or `1m30s`, found the number 1
    = at: method[0].pulse.on
    ");
}

#[test]
fn a_ramp_needs_a_parameter() {
    let ramp = "for: 10s, ramp: { from: 1%, over: 5s }";
    assert_snapshot!(complaints("process-pause", ramp), @r"
    error: the fault has no parameter that a ramp could change
    = at: method[0].ramp
    = help: delays, probabilities, rates, loads and fills have; `pulse` works for all that last
    ");
    assert_snapshot!(complaints("{ network-loss: { every: 3 } }", ramp), @r"
    error: only the `percent` of a loss can change
    = at: method[0].ramp
    = help: use `percent`
    ");
    assert_snapshot!(complaints("{ disk-fill: { path: /data, leave-free: 1MB } }", ramp), @r"
    error: only the `size` or `percent` of a fill can change
    = at: method[0].ramp
    = help: use one of them
    ");
    assert_snapshot!(complaints(LATENCY, ramp), @r"
    error: `1%` is no value for `delay`, which the ramp changes
    = at: method[0].ramp.from
    = help: write a duration such as `250ms`
    ");
}

#[test]
fn a_ramp_goes_somewhere_in_time() {
    let ramp = |ramp: &str| complaints(LATENCY, &format!("for: 10s, ramp: {{ {ramp} }}"));
    assert_snapshot!(ramp("from: 100ms, over: 5s"), @r"
    error: the ramp goes from 100ms to 100ms, which is nowhere
    = at: method[0].ramp.from
    ");
    assert_snapshot!(ramp("from: 0s, over: 5s"), @r"
    error: 0s is no fault
    = at: method[0].ramp.from
    = help: begin with the smallest that counts, or use `delay`
    ");
    assert_snapshot!(ramp("from: 10ms, over: 10s"), @r"
    error: the ramp takes 10s, and the fault stays for 10s; its last value would never hold
    = at: method[0].ramp.over
    = help: make `for` longer, or the ramp shorter
    ");
    assert_snapshot!(ramp("from: 10ms, over: 5s, steps: 0"), @r"
    error: a ramp has at least 1 step
    = at: method[0].ramp.steps
    ");
    assert_snapshot!(ramp("from: 10ms, over: 5s, steps: 51"), @r"
    error: with 51 steps in 5s each lasts 98ms39us215ns
    = at: method[0].ramp.over
    = help: the shortest is 100ms; use fewer steps or more time
    ");
    assert_snapshot!(ramp("from: 10, over: 5s"), @r"
    error: expected a level with its unit, such as `250ms`, `50%`, `10Mbit/s` or `500MB`, found the number 10
    = at: method[0].ramp.from
    ");
}

#[test]
fn modifiers_that_exclude_each_other_or_have_no_fault() {
    let both = "for: 10s, ramp: { from: 10ms, over: 5s }, pulse: { on: 1s, off: 1s }";
    assert_snapshot!(complaints(LATENCY, both), @r"
    error: `pulse` and `ramp` exclude each other
    = at: method[0].ramp
    = help: use two steps: one that ramps up, and then one that pulses
    ");
    assert_snapshot!(complaints(LATENCY, "for: 10s, probability: 0%"), @r"
    error: what has a probability of 0% never happens
    = at: method[0].probability
    ");
    let (before, _) = GOOD.split_once("method:").unwrap();
    let wait = format!(
        "{before}method:\n  - {{ wait: 1s, probability: 5%, pulse: {{ on: 1s, off: 1s }} }}\n"
    );
    let told = read(&wait).unwrap_err().to_string();
    assert!(told.contains("`pulse` belongs to a `fault`"), "{told}");
    assert!(told.contains("`probability` belongs to a `fault`"), "{told}");
}

#[test]
fn nothing_is_done_ten_thousand_times() {
    let (before, _) = GOOD.split_once("method:").unwrap();
    let before = before.replace("max-duration: 2m", "max-duration: 24h, allow: [long-duration]");
    let step = "method:\n  - { target: { service: payment }, fault: process-pause, for: 20h, pulse: { on: 1s, off: 1s } }\n";
    let told = read(&format!("{before}{step}")).unwrap_err().to_string();
    assert!(told.contains("every 2s for 20h is more than 10000 times"), "{told}");
}
