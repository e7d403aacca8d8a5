//! Rules for steps, targets, faults and limits.

use insta::assert_snapshot;

use crate::spec::tests::{GOOD, read, spoilt};

#[test]
fn an_empty_selector() {
    assert_snapshot!(spoilt("{ process: { name: nginx } }", "{ process: {} }"), @r#"
    error: the selector is empty
      --> experiment.yaml:41:30
       |
    41 |       - { target: { process: {} }, fault: process-pause, for: 10s }
       |                              ^
       |
       = at: method[2].parallel[0].target.process
       = help: nothing ever means all; write one such as `{ name: nginx }`
    "#);
}

#[test]
fn a_target_of_two_kinds() {
    assert_snapshot!(spoilt("{ process: { name: nginx } }", "{ process: { name: nginx }, service: worker }"), @r#"
    error: `service` and `process` exclude each other
      --> experiment.yaml:41:21
       |
    41 |       - { target: { process: { name: nginx }, service: worker }, fault: process-pause, for: 10s }
       |                     ^^^^^^^
       |
       = at: method[2].parallel[0].target.process
    "#);
}

#[test]
fn a_name_that_the_kernel_cuts() {
    assert_snapshot!(spoilt("name: nginx", "name: a-very-long-process-name"), @r#"
    error: the kernel keeps 15 bytes of a name; this never matches
      --> experiment.yaml:41:38
       |
    41 |       - { target: { process: { name: a-very-long-process-name } }, fault: process-pause, for: 10s }
       |                                      ^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: method[2].parallel[0].target.process.name
       = help: use `exe` or `token` for longer names
    "#);
}

#[test]
fn a_fault_without_its_duration() {
    assert_snapshot!(spoilt("    for: 30s\n", ""), @r#"
    error: the field `for` is missing
      --> experiment.yaml:34:5
       |
    34 |   - name: slow
       |     ^^^^
       |
       = at: method[0]
       = help: say how long the fault stays, such as `for: 30s`
    "#);
}

#[test]
fn a_fault_that_is_too_long() {
    assert_snapshot!(spoilt("for: 30s", "for: 3m"), @r#"
    error: 3m is longer than the blast radius allows, 2m
      --> experiment.yaml:37:10
       |
    37 |     for: 3m
       |          ^^
       |
       = at: method[0].for
       = help: shorten it, or write `blast-radius: { max-duration: 3m }`
    "#);
}

#[test]
fn a_long_maximum() {
    assert_snapshot!(spoilt("max-duration: 2m", "max-duration: 20m"), @r#"
    error: 20m is longer than 15m
      --> experiment.yaml:32:55
       |
    32 | blast-radius: { max-targets: "${most}", max-duration: 20m }
       |                                                       ^^^
       |
       = at: blast-radius.max-duration
       = help: write `allow: [long-duration]` if it must be
    "#);
}

#[test]
fn a_step_without_a_target() {
    assert_snapshot!(spoilt("    target: { service: payment }\n", ""), @r#"
    error: the field `target` is missing
      --> experiment.yaml:34:5
       |
    34 |   - name: slow
       |     ^^^^
       |
       = at: method[0]
    "#);
}

#[test]
fn a_wait_with_a_fault() {
    assert_snapshot!(spoilt("    for: 30s\n", "    for: 30s\n    wait: 1s\n"), @r#"
    error: `fault` and `wait` exclude each other
      --> experiment.yaml:38:5
       |
    38 |     wait: 1s
       |     ^^^^
       |
       = at: method[0].wait
    "#);
}

#[test]
fn a_wait_with_a_duration() {
    assert_snapshot!(spoilt("  - wait: 5s\n", "  - wait: 5s\n    for: 3s\n"), @r#"
    error: `for` belongs to a `fault`
      --> experiment.yaml:39:5
       |
    39 |     for: 3s
       |     ^^^
       |
       = at: method[1].for
    "#);
}

#[test]
fn a_restart_of_a_foreign_process() {
    assert_snapshot!(spoilt("fault: process-pause, for: 10s", "fault: process-restart"), @r#"
    error: only services of this experiment can be restarted
      --> experiment.yaml:41:56
       |
    41 |       - { target: { process: { name: nginx } }, fault: process-restart }
       |                                                        ^^^^^^^^^^^^^^^
       |
       = at: method[2].parallel[0].fault
       = help: use `process-kill`, or bring the program along as a service
    "#);
}

#[test]
fn a_fault_that_a_whole_host_cannot_have() {
    let target = "target: { host: true }, fault: process-pause";
    assert_snapshot!(spoilt("target: { process: { name: nginx } }, fault: process-pause", target), @r#"
    error: only the network of a whole host can be disturbed
      --> experiment.yaml:41:27
       |
    41 |       - { target: { host: true }, fault: process-pause, for: 10s }
       |                           ^^^^
       |
       = at: method[2].parallel[0].target.host
       = help: name a `service` or a `process`
    "#);
}

#[test]
fn a_second_cut_of_what_is_refused() {
    let reset = "fault: { connection-reset: { new: refuse, every: 1s } }";
    assert_snapshot!(spoilt("fault: { network-latency: { delay: 250ms, jitter: 50ms } }", reset), @r#"
    error: with `new: refuse` there is nothing to cut a second time
      --> experiment.yaml:36:54
       |
    36 |     fault: { connection-reset: { new: refuse, every: 1s } }
       |                                                      ^^
       |
       = at: method[0].fault.connection-reset.every
       = help: leave one of the two out
    "#);
}

#[test]
fn a_jitter_above_the_delay() {
    assert_snapshot!(spoilt("jitter: 50ms", "jitter: 300ms"), @r#"
    error: the jitter, 300ms, is larger than the delay, 250ms
      --> experiment.yaml:36:55
       |
    36 |     fault: { network-latency: { delay: 250ms, jitter: 300ms } }
       |                                                       ^^^^^
       |
       = at: method[0].fault.network-latency.jitter
       = help: no packet can arrive before it was sent
    "#);
}

#[test]
fn a_fill_of_two_amounts() {
    assert_snapshot!(spoilt("fault: process-pause", "fault: { disk-fill: { path: /var, size: 1GiB, percent: 50% } }"), @r#"
    error: `size` and `percent` exclude each other
      --> experiment.yaml:41:95
       |
    41 |       - { target: { process: { name: nginx } }, fault: { disk-fill: { path: /var, size: 1GiB, percent: 50% } }, for: 10s }
       |                                                                                               ^^^^^^^
       |
       = at: method[2].parallel[0].fault.disk-fill.percent
    "#);
}

#[test]
fn a_fill_of_a_relative_path() {
    assert_snapshot!(spoilt("fault: process-pause", "fault: { disk-fill: { path: var, size: 1GiB } }"), @r#"
    error: the path must begin with `/` or `${run.dir}`
      --> experiment.yaml:41:77
       |
    41 |       - { target: { process: { name: nginx } }, fault: { disk-fill: { path: var, size: 1GiB } }, for: 10s }
       |                                                                             ^^^
       |
       = at: method[2].parallel[0].fault.disk-fill.path
    "#);
}

#[test]
fn no_probes_and_no_steps() {
    assert_snapshot!(read("version: 1\ntitle: a\nhypothesis: { title: b, probes: [] }\nmethod: []").unwrap_err(), @r#"
    error: a hypothesis needs at least one probe
     --> experiment.yaml:3:33
      |
    3 | hypothesis: { title: b, probes: [] }
      |                                 ^
      |
      = at: hypothesis.probes

    error: a method needs at least one step
     --> experiment.yaml:4:9
      |
    4 | method: []
      |         ^
      |
      = at: method
    "#);
}

#[test]
fn a_method_of_waits() {
    assert_snapshot!(read(&format!("{}method: [wait: 1s]\n", GOOD.split_once("method:").unwrap().0)).unwrap_err(), @r#"
    error: the method only waits; it needs at least one fault
      --> experiment.yaml:33:9
       |
    33 | method: [wait: 1s]
       |         ^
       |
       = at: method
    "#);
}

#[test]
fn several_mistakes_at_once() {
    assert_snapshot!(spoilt("jitter: 50ms } }\n    for: 30s\n  - wait: 5s", "jitter: 500ms } }\n    for: 30m\n  - wait: 0s"), @r#"
    error: the jitter, 500ms, is larger than the delay, 250ms
      --> experiment.yaml:36:55
       |
    36 |     fault: { network-latency: { delay: 250ms, jitter: 500ms } }
       |                                                       ^^^^^
       |
       = at: method[0].fault.network-latency.jitter
       = help: no packet can arrive before it was sent

    error: 30m is longer than the blast radius allows, 2m
      --> experiment.yaml:37:10
       |
    37 |     for: 30m
       |          ^^^
       |
       = at: method[0].for
       = help: shorten it, or write `blast-radius: { max-duration: 30m }`

    error: the duration must be above zero
      --> experiment.yaml:38:11
       |
    38 |   - wait: 0s
       |           ^^
       |
       = at: method[1].wait
    "#);
}
