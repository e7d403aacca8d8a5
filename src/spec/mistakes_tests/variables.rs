//! Variables, secrets and what comes from outside.

use insta::assert_snapshot;

use crate::spec::tests::{GOOD, read_with, spoilt};

#[test]
fn an_undefined_variable() {
    assert_snapshot!(spoilt("${base}/checkout", "${bse}/checkout"), @r#"
    error: `${bse}` is not defined
      --> experiment.yaml:22:14
       |
    22 |         url: "${bse}/checkout"
       |              ^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.url
       = help: did you mean `base`? For the text itself write `$${bse}`
    "#);
}

#[test]
fn a_reference_that_is_not_closed() {
    assert_snapshot!(spoilt("${base}/checkout", "${base/checkout"), @r#"
    error: `${` is never closed
      --> experiment.yaml:22:14
       |
    22 |         url: "${base/checkout"
       |              ^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.url
       = help: write `$$` for a literal `$`
    "#);
}

#[test]
fn a_variable_without_a_value() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ env: MOST }"), @r#"
    error: the variable `most` has no value
     --> experiment.yaml:6:3
      |
    6 |   most: { env: MOST }
      |   ^^^^
      |
      = at: variables.most
      = help: set the environment variable MOST, or give `--var most=…`
    "#);
}

#[test]
fn a_variable_whose_file_is_missing() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ file: /none }"), @r#"
    error: `/none` cannot be read: entity not found
     --> experiment.yaml:6:17
      |
    6 |   most: { file: /none }
      |                 ^^^^^
      |
      = at: variables.most.file
    "#);
}

#[test]
fn a_variable_that_is_no_scalar() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ default: [2] }"), @r#"
    error: a variable is a text, a number or a boolean
     --> experiment.yaml:6:20
      |
    6 |   most: { default: [2] }
      |                    ^
      |
      = at: variables.most.default
    "#);
}

#[test]
fn a_variable_made_of_another() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ default: \"${base}\" }"), @r#"
    error: variables and secrets cannot be declared by means of others
     --> experiment.yaml:6:20
      |
    6 |   most: { default: "${base}" }
      |                    ^^^^^^^^^
      |
      = at: variables.most.default
    "#);
}

#[test]
fn a_variable_of_the_wrong_kind() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ default: many }"), @r#"
    error: expected a whole number from 0 to 4294967295, found the text `many`
      --> experiment.yaml:32:30
       |
    32 | blast-radius: { max-targets: "${most}", max-duration: 2m }
       |                              ^^^^^^^^^
       |
       = at: blast-radius.max-targets
    "#);
}

#[test]
fn an_undeclared_secret() {
    assert_snapshot!(spoilt("Bearer ${secret.token}", "Bearer ${secret.tokem}"), @r#"
    error: `${secret.tokem}` is not defined
      --> experiment.yaml:23:35
       |
    23 |         headers: { authorization: "Bearer ${secret.tokem}" }
       |                                   ^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.headers.authorization
       = help: did you mean `secret.token`? For the text itself write `$${secret.tokem}`
    "#);
}

#[test]
fn a_secret_in_an_argument() {
    assert_snapshot!(spoilt("command: [worker]", "command: [worker, \"--token=${secret.token}\"]"), @r#"
    error: the secret `${secret.token}` would be public here
      --> experiment.yaml:16:23
       |
    16 |     command: [worker, "--token=${secret.token}"]
       |                       ^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: services.worker.command[1]
       = help: secrets can be used in HTTP urls, headers and bodies and in `environment` values
    "#);
}

#[test]
fn a_secret_in_a_title() {
    assert_snapshot!(spoilt("title: checkouts succeed", "title: ${secret.token} checkouts succeed"), @r#"
    error: the secret `${secret.token}` would be public here
      --> experiment.yaml:18:10
       |
    18 |   title: ${secret.token} checkouts succeed, and fast
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.title
       = help: secrets can be used in HTTP urls, headers and bodies and in `environment` values
    "#);
}

#[test]
fn the_run_folder_where_it_is_not_known() {
    assert_snapshot!(spoilt("name: slow", "name: ${run.dir}"), @r#"
    error: `${run.dir}` is not known here
      --> experiment.yaml:34:11
       |
    34 |   - name: ${run.dir}
       |           ^^^^^^^^^^
       |
       = at: method[0].name
       = help: it can be used in commands, environments, directories, HTTP requests and the path of `disk-fill`
    "#);
}

#[test]
fn the_address_of_a_service_without_one() {
    assert_snapshot!(spoilt("${service.payment.address}", "${service.worker.address}"), @r#"
    error: the service `worker` has no address of its own
      --> experiment.yaml:13:30
       |
    13 |     ready: { tcp: { address: "${service.worker.address}:5000" } }
       |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: services.payment.ready.tcp.address
       = help: give it `network: own`, or use 127.0.0.1
    "#);
}

#[test]
fn control_characters_are_written_out() {
    assert_snapshot!(spoilt("delay: 250ms", "delay: \"\\e[31m250ms\""), @r#"
    error: `\u{1b}[31m250ms` is no duration: write a number with a unit, such as `250ms` or `1m30s`
      --> experiment.yaml:36:40
       |
    36 |     fault: { network-latency: { delay: "\e[31m250ms", jitter: 50ms } }
       |                                        ^^^^^^^^^^^^^
       |
       = at: method[0].fault.network-latency.delay
    "#);
}

#[test]
fn an_unknown_override() {
    assert_snapshot!(read_with(GOOD, &[("bsae", "x")]).unwrap_err(), @r#"
    error: `--var bsae=…` sets a variable that the file does not declare
     |
     = note: in experiment.yaml
     = help: did you mean `base`?
    "#);
}

#[test]
fn hostile_text_from_outside() {
    assert_snapshot!(spoilt("base: { default: \"http://127.0.0.1:8080\", env: CHECKOUT_URL }", "base: { env: HOSTILE }"), @r#"
    error: `$${secret.token}\u{1b}[31m/checkout` is no URL: relative URL without a base
      --> experiment.yaml:22:14
       |
    22 |         url: "${base}/checkout"
       |              ^^^^^^^^^^^^^^^^^^
       |
       = at: hypothesis.probes[0].http.url
       = help: write one such as `http://127.0.0.1:8080/health`
    "#);
}
