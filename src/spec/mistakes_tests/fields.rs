//! Fields and quantities.

use insta::assert_snapshot;

use crate::spec::tests::spoilt;

#[test]
fn an_unknown_field() {
    assert_snapshot!(spoilt("delay: 250ms", "dely: 250ms"), @r#"
    error: there is no field `dely` here
      --> experiment.yaml:36:33
       |
    36 |     fault: { network-latency: { dely: 250ms, jitter: 50ms } }
       |                                 ^^^^
       |
       = at: method[0].fault.network-latency.dely
       = help: did you mean `delay`?
    "#);
}

#[test]
fn an_unknown_field_that_resembles_nothing() {
    assert_snapshot!(spoilt("delay: 250ms", "zzz: 250ms, delay: 250ms"), @r"
    error: there is no field `zzz` here
      --> experiment.yaml:36:33
       |
    36 |     fault: { network-latency: { zzz: 250ms, delay: 250ms, jitter: 50ms } }
       |                                 ^^^
       |
       = at: method[0].fault.network-latency.zzz
       = help: choose from `delay`, `jitter`, `correlation`, `distribution`, `reorder`, `direction`, `peers`, `except`, `interfaces` and `engine`.
    ");
}

#[test]
fn a_merge_key() {
    assert_snapshot!(spoilt("    network: own", "    <<: {}\n    network: own"), @r#"
    error: there is no field `<<` here
      --> experiment.yaml:14:5
       |
    14 |     <<: {}
       |     ^^
       |
       = at: services.payment.<<
       = help: choose from `command`, `environment`, `directory`, `ready`, `restart`, `restart-delay`, `stop` and `network`.
    "#);
}

#[test]
fn a_missing_field() {
    assert_snapshot!(spoilt("{ delay: 250ms, jitter: 50ms }", "{ jitter: 50ms }"), @r#"
    error: the field `delay` is missing
      --> experiment.yaml:36:31
       |
    36 |     fault: { network-latency: { jitter: 50ms } }
       |                               ^
       |
       = at: method[0].fault.network-latency
    "#);
}

#[test]
fn an_unknown_fault() {
    assert_snapshot!(spoilt("fault: process-pause", "fault: process-puase"), @r#"
    error: `process-puase` is not one of the choices
      --> experiment.yaml:41:56
       |
    41 |       - { target: { process: { name: nginx } }, fault: process-puase, for: 10s }
       |                                                        ^^^^^^^^^^^^^
       |
       = at: method[2].parallel[0].fault
       = help: did you mean `process-pause`?
    "#);
}

#[test]
fn an_unknown_fault_with_parameters() {
    assert_snapshot!(spoilt("network-latency:", "network-lateness:"), @r#"
    error: `network-lateness` is not one of the choices
      --> experiment.yaml:36:14
       |
    36 |     fault: { network-lateness: { delay: 250ms, jitter: 50ms } }
       |              ^^^^^^^^^^^^^^^^
       |
       = at: method[0].fault.network-lateness
       = help: did you mean `network-latency`?
    "#);
}

#[test]
fn two_faults_in_one() {
    assert_snapshot!(spoilt("jitter: 50ms } }", "jitter: 50ms }, process-pause: {} }"), @r#"
    error: expected exactly one key here, found 2
      --> experiment.yaml:36:12
       |
    36 |     fault: { network-latency: { delay: 250ms, jitter: 50ms }, process-pause: {} }
       |            ^
       |
       = at: method[0].fault
    "#);
}

#[test]
fn a_bare_fault_that_needs_parameters() {
    assert_snapshot!(spoilt("fault: process-pause", "fault: network-latency"), @r#"
    error: the field `delay` is missing
      --> experiment.yaml:41:56
       |
    41 |       - { target: { process: { name: nginx } }, fault: network-latency, for: 10s }
       |                                                        ^^^^^^^^^^^^^^^
       |
       = at: method[2].parallel[0].fault.network-latency
    "#);
}

#[test]
fn a_choice_with_a_value() {
    assert_snapshot!(spoilt("command: [worker]", "command: [worker]\n    restart: { always: true }"), @r#"
    error: `always` takes no value; write its name alone
      --> experiment.yaml:17:14
       |
    17 |     restart: { always: true }
       |              ^
       |
       = at: services.worker.restart
    "#);
}

#[test]
fn nothing_instead_of_a_value() {
    assert_snapshot!(spoilt("delay: 250ms", "delay: "), @r#"
    error: expected a duration with its unit, such as `250ms` or `1m30s`, found nothing
      --> experiment.yaml:36:40
       |
    36 |     fault: { network-latency: { delay: , jitter: 50ms } }
       |                                        ^
       |
       = at: method[0].fault.network-latency.delay
    "#);
}

#[test]
fn a_number_instead_of_a_text() {
    assert_snapshot!(spoilt("title: Checkout survives a slow payment service", "title: 5"), @r#"
    error: expected text, found the number 5
     --> experiment.yaml:2:8
      |
    2 | title: 5
      |        ^
      |
      = at: title
    "#);
}

#[test]
fn a_text_instead_of_a_list() {
    assert_snapshot!(spoilt("command: [worker]", "command: worker"), @r#"
    error: expected a list, found the text `worker`
      --> experiment.yaml:16:14
       |
    16 |     command: worker
       |              ^^^^^^
       |
       = at: services.worker.command
    "#);
}

#[test]
fn a_list_instead_of_a_map() {
    assert_snapshot!(spoilt("blast-radius: { max-targets: \"${most}\", max-duration: 2m }", "blast-radius: [1]"), @r#"
    error: expected a map of fields, found a list
      --> experiment.yaml:32:15
       |
    32 | blast-radius: [1]
       |               ^
       |
       = at: blast-radius
    "#);
}

#[test]
fn a_number_out_of_range() {
    assert_snapshot!(spoilt("{ name: nginx }", "{ port: 70000 }"), @r#"
    error: expected a whole number from 0 to 65535, found the number 70000
      --> experiment.yaml:41:38
       |
    41 |       - { target: { process: { port: 70000 } }, fault: process-pause, for: 10s }
       |                                      ^^^^^
       |
       = at: method[2].parallel[0].target.process.port
    "#);
}

#[test]
fn another_version() {
    assert_snapshot!(spoilt("version: 1", "version: 2"), @r#"
    error: version 2 of the format is not known
     --> experiment.yaml:1:10
      |
    1 | version: 2
      |          ^
      |
      = at: version
      = help: this program reads `version: 1`
    "#);
}

#[test]
fn a_duration_without_a_unit() {
    assert_snapshot!(spoilt("delay: 250ms", "delay: 250"), @r#"
    error: expected a duration with its unit, such as `250ms` or `1m30s`, found the number 250
      --> experiment.yaml:36:40
       |
    36 |     fault: { network-latency: { delay: 250, jitter: 50ms } }
       |                                        ^^^
       |
       = at: method[0].fault.network-latency.delay
    "#);
}

#[test]
fn a_duration_with_a_wrong_unit() {
    assert_snapshot!(spoilt("delay: 250ms", "delay: 250sec"), @r#"
    error: `250sec` is no duration: `sec` is no unit of time; they are ns, us, ms, s, m, h, d
      --> experiment.yaml:36:40
       |
    36 |     fault: { network-latency: { delay: 250sec, jitter: 50ms } }
       |                                        ^^^^^^
       |
       = at: method[0].fault.network-latency.delay
    "#);
}

#[test]
fn a_negative_duration() {
    assert_snapshot!(spoilt("for: 30s", "for: -30s"), @r#"
    error: `-30s` is no duration: it cannot be negative
      --> experiment.yaml:37:10
       |
    37 |     for: -30s
       |          ^^^^
       |
       = at: method[0].for
    "#);
}

#[test]
fn a_share_above_all() {
    assert_snapshot!(spoilt("at-least: 99%", "at-least: 101%"), @r#"
    error: `101%` is no share: the largest is 100%
      --> experiment.yaml:25:41
       |
    25 |       tolerance: { success: { at-least: 101% }, p99: { at-most: 300ms } }
       |                                         ^^^^
       |
       = at: hypothesis.probes[0].tolerance.success.at-least
    "#);
}

#[test]
fn a_share_without_its_sign() {
    assert_snapshot!(spoilt("at-least: 99%", "at-least: 99"), @r#"
    error: expected a share from `0%` to `100%`, found the number 99
      --> experiment.yaml:25:41
       |
    25 |       tolerance: { success: { at-least: 99 }, p99: { at-most: 300ms } }
       |                                         ^^
       |
       = at: hypothesis.probes[0].tolerance.success.at-least
    "#);
}
