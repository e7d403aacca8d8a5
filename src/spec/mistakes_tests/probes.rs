//! Rules for names, services, probes and tolerances.

use insta::assert_snapshot;

use crate::spec::tests::spoilt;

#[test]
fn a_bad_name() {
    assert_snapshot!(spoilt("name: checkout", "name: check out"), @r#"
    error: `check out` is no name
      --> experiment.yaml:20:13
       |
    20 |     - name: check out
       |             ^^^^^^^^^
       |
       = at: hypothesis.probes[0].name
       = help: a name is a letter or digit, then letters, digits, `.`, `_`, `-`; 64 at most

    error: there is no probe `checkout`
      --> experiment.yaml:31:14
       |
    31 |   - { probe: checkout, when: { success: { below: 50% } }, for: 5s }
       |              ^^^^^^^^
       |
       = at: abort[0].probe
       = help: did you mean `check out`?
    "#);
}

#[test]
fn a_name_twice() {
    assert_snapshot!(spoilt("name: both", "name: slow"), @r#"
    error: the name `slow` is taken
      --> experiment.yaml:39:11
       |
    39 |   - name: slow
       |           ^^^^
       |
       = at: method[2].name
    "#);
}

#[test]
fn a_variable_with_a_name_of_ours() {
    assert_snapshot!(spoilt("  most: { default: 2 }", "  most: { default: 2 }\n  shakedown: { default: 2 }"), @r#"
    error: `${shakedown}` has a meaning of its own
     --> experiment.yaml:7:3
      |
    7 |   shakedown: { default: 2 }
      |   ^^^^^^^^^
      |
      = at: variables.shakedown
    "#);
}

#[test]
fn a_probe_of_no_kind() {
    assert_snapshot!(spoilt("      process: { service: worker }\n      tolerance: { value: { at-least: 1 } }\n", ""), @r#"
    error: exactly one of `http`, `tcp`, `command`, `process` is needed
      --> experiment.yaml:27:7
       |
    27 |     - name: workers
       |       ^^^^
       |
       = at: hypothesis.probes[1]
    "#);
}

#[test]
fn a_probe_of_two_kinds() {
    assert_snapshot!(spoilt("      process: { service: worker }\n", "      process: { service: worker }\n      tcp: { address: \"a:1\" }\n"), @r#"
    error: `tcp` and `process` exclude each other
      --> experiment.yaml:28:7
       |
    28 |       process: { service: worker }
       |       ^^^^^^^
       |
       = at: hypothesis.probes[1].process
    "#);
}

#[test]
fn an_unknown_service_in_a_target() {
    assert_snapshot!(spoilt("target: { service: payment }", "target: { service: paymnt }"), @r#"
    error: there is no service `paymnt`
      --> experiment.yaml:35:24
       |
    35 |     target: { service: paymnt }
       |                        ^^^^^^
       |
       = at: method[0].target.service
       = help: did you mean `payment`?
    "#);
}

#[test]
fn an_unknown_service_in_a_probe() {
    assert_snapshot!(spoilt("process: { service: worker }", "process: { service: [worker, web] }"), @r#"
    error: there is no service `web`
      --> experiment.yaml:28:36
       |
    28 |       process: { service: [worker, web] }
       |                                    ^^^
       |
       = at: hypothesis.probes[1].process.service[1]
       = help: choose from `payment` and `worker`.
    "#);
}

#[test]
fn an_unknown_probe() {
    assert_snapshot!(spoilt("{ probe: checkout", "{ probe: chekout"), @r#"
    error: there is no probe `chekout`
      --> experiment.yaml:31:14
       |
    31 |   - { probe: chekout, when: { success: { below: 50% } }, for: 5s }
       |              ^^^^^^^
       |
       = at: abort[0].probe
       = help: did you mean `checkout`?
    "#);
}

#[test]
fn empty_bounds() {
    assert_snapshot!(spoilt("p99: { at-most: 300ms }", "p99: {}"), @r#"
    error: the bounds are empty
      --> experiment.yaml:25:53
       |
    25 |       tolerance: { success: { at-least: 99% }, p99: {} }
       |                                                     ^
       |
       = at: hypothesis.probes[0].tolerance.p99
       = help: write at least one of `at-least`, `at-most`, `above`, `below`, `equals`
    "#);
}

#[test]
fn contradictory_bounds() {
    assert_snapshot!(spoilt("at-least: 99% }", "at-least: 99%, below: 99% }"), @r#"
    error: nothing is both `at-least: 99%` and `below: 99%`
      --> experiment.yaml:25:53
       |
    25 |       tolerance: { success: { at-least: 99%, below: 99% }, p99: { at-most: 300ms } }
       |                                                     ^^^
       |
       = at: hypothesis.probes[0].tolerance.success.below
    "#);
}

#[test]
fn an_empty_tolerance() {
    assert_snapshot!(spoilt("tolerance: { value: { at-least: 1 } }", "tolerance: {}"), @r#"
    error: the tolerance bounds nothing
      --> experiment.yaml:29:18
       |
    29 |       tolerance: {}
       |                  ^
       |
       = at: hypothesis.probes[1].tolerance
       = help: write one such as `{ success: { at-least: 99% } }`
    "#);
}

#[test]
fn a_latency_of_a_process() {
    assert_snapshot!(spoilt("value: { at-least: 1 }", "p50: { below: 1s }"), @r#"
    error: a `process` probe measures no latency
      --> experiment.yaml:29:20
       |
    29 |       tolerance: { p50: { below: 1s } }
       |                    ^^^
       |
       = at: hypothesis.probes[1].tolerance.p50
    "#);
}

#[test]
fn a_value_that_is_not_measured() {
    assert_snapshot!(spoilt("expect: { json: { path: $.total } }\n      tolerance: {", "expect: {}\n      tolerance: { value: { above: 1 },"), @r#"
    error: the probe `checkout` measures no value
      --> experiment.yaml:25:20
       |
    25 |       tolerance: { value: { above: 1 }, success: { at-least: 99% }, p99: { at-most: 300ms } }
       |                    ^^^^^
       |
       = at: hypothesis.probes[0].tolerance.value
    "#);
}

#[test]
fn a_bad_json_path() {
    assert_snapshot!(spoilt("path: $.total", "path: total"), @r#"
    error: `total` is no JSONPath: at position 0, parser error
      --> experiment.yaml:24:33
       |
    24 |         expect: { json: { path: total } }
       |                                 ^^^^^
       |
       = at: hypothesis.probes[0].http.expect.json.path
       = help: write one such as `$.queue.length`
    "#);
}

#[test]
fn a_bad_url() {
    assert_snapshot!(spoilt("${base}/checkout", "${most}/checkout"), @r#"
    error: `2/checkout` is no URL: relative URL without a base
      --> experiment.yaml:22:14
       |
    22 |         url: "${most}/checkout"
       |              ^^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.url
       = help: write one such as `http://127.0.0.1:8080/health`
    "#);
}

#[test]
fn a_url_of_another_scheme() {
    assert_snapshot!(spoilt("${base}/checkout", "ftp://host/"), @r#"
    error: `ftp:` is not a scheme that can be probed
      --> experiment.yaml:22:14
       |
    22 |         url: "ftp://host/"
       |              ^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.url
       = help: write one such as `http://127.0.0.1:8080/health`
    "#);
}

#[test]
fn a_bad_header() {
    assert_snapshot!(spoilt("authorization: ", "author ization: "), @r#"
    error: `author ization` is no name of a header
      --> experiment.yaml:23:20
       |
    23 |         headers: { author ization: "Bearer ${secret.token}" }
       |                    ^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.headers.author ization
    "#);
}

#[test]
fn a_bad_address() {
    assert_snapshot!(spoilt("${service.payment.address}:5000", "localhost"), @r#"
    error: `localhost` is no address with a port
      --> experiment.yaml:13:30
       |
    13 |     ready: { tcp: { address: "localhost" } }
       |                              ^^^^^^^^^^^
       |
       = at: services.payment.ready.tcp.address
       = help: write one such as `127.0.0.1:5432` or `[::1]:80`
    "#);
}

#[test]
fn a_bad_environment_variable() {
    assert_snapshot!(spoilt("{ API_TOKEN:", "{ API-TOKEN:"), @r#"
    error: `API-TOKEN` is no name of an environment variable
      --> experiment.yaml:12:20
       |
    12 |     environment: { API-TOKEN: "${secret.token}" }
       |                    ^^^^^^^^^
       |
       = at: services.payment.environment.API-TOKEN
    "#);
}

#[test]
fn a_command_of_two_kinds() {
    assert_snapshot!(spoilt("ready: { tcp: { address: \"${service.payment.address}:5000\" } }", "ready: { command: { run: [a], shell: b } }"), @r#"
    error: `run` and `shell` exclude each other
      --> experiment.yaml:13:35
       |
    13 |     ready: { command: { run: [a], shell: b } }
       |                                   ^^^^^
       |
       = at: services.payment.ready.command.shell
    "#);
}

#[test]
fn a_recovery_without_time() {
    assert_snapshot!(spoilt("within: 30s", "within: 0s"), @r#"
    error: the duration must be above zero
      --> experiment.yaml:26:27
       |
    26 |       recovery: { within: 0s, hold: 5s }
       |                           ^^
       |
       = at: hypothesis.probes[0].recovery.within
    "#);
}
