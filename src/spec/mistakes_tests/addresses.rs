//! Rules for the addresses of services.

use insta::assert_snapshot;

use crate::spec::tests::read_with;

/// What is wrong with services of which the second has this network, or the command of the first.
fn read(network: &str, overrides: &[(&str, &str)]) -> String {
    let text = format!(
        "\
version: 1
title: The cluster agrees
variables: {{ base: {{ default: 10.77.0 }} }}
services:
  a: {{ command: [node, '${{service.b.address}}'], network: {{ address: '${{base}}.1' }} }}
  b: {{ command: [node], network: {network} }}
hypothesis: {{ title: it agrees, probes: [{{ name: up, tcp: {{ address: '127.0.0.1:1' }} }}] }}
method:
  - {{ target: {{ service: a }}, fault: process-pause, for: 1s }}
"
    );
    match read_with(&text, overrides) {
        Ok(experiment) => experiment.services["a"].command[1].clone(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn an_address_may_hold_a_variable() {
    assert_eq!(read("{ address: '${base}.9' }", &[("base", "10.78.1")]), "10.78.1.9");
    assert_eq!(read("own", &[]), "10.77.0.3");
    assert_eq!(read("{ address: ['fd77::1', 10.77.0.7/24] }", &[]), "fd77::1");
}

#[test]
fn an_address_that_cannot_be() {
    assert_snapshot!(read("{ address: 10.77.0.1 }", &[]), @r"
    error: 10.77.0.1 is taken by the service `a`
     --> experiment.yaml:6:34
      |
    6 |   b: { command: [node], network: { address: 10.77.0.1 } }
      |                                  ^
      |
      = at: services.b.network
    ");
    assert_snapshot!(read("{ address: 10.78.0.2 }", &[]), @r"
    error: 10.78.0.2 is not in 10.77.0.0/24; all services of a run share one subnet
     --> experiment.yaml:6:34
      |
    6 |   b: { command: [node], network: { address: 10.78.0.2 } }
      |                                  ^
      |
      = at: services.b.network
    ");
    assert_snapshot!(read("{ address: 10.77.0 }", &[]), @r"
    error: `10.77.0` is no address or network; write one such as `10.0.0.7` or `fd00::/8`
     --> experiment.yaml:6:45
      |
    6 |   b: { command: [node], network: { address: 10.77.0 } }
      |                                             ^^^^^^^
      |
      = at: services.b.network.address
    ");
    assert_snapshot!(read("{ adress: 10.77.0.2 }", &[]), @r"
    error: `adress` is not one of the choices
     --> experiment.yaml:6:36
      |
    6 |   b: { command: [node], network: { adress: 10.77.0.2 } }
      |                                    ^^^^^^
      |
      = at: services.b.network.adress
      = help: did you mean `address`?
    ");
    assert_snapshot!(read("onw", &[]), @r"
    error: `onw` is not one of the choices
     --> experiment.yaml:6:34
      |
    6 |   b: { command: [node], network: onw }
      |                                  ^^^
      |
      = at: services.b.network
      = help: did you mean `own`?
    ");
}
