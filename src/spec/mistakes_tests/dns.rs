//! Rules for names, in `dns-failure` and in `peers`.

use insta::assert_snapshot;

use crate::spec::tests::spoilt;

const FAULT: &str = "{ network-latency: { delay: 250ms, jitter: 50ms } }";

fn failure(parameters: &str) -> String {
    spoilt(FAULT, &format!("{{ dns-failure: {{ {parameters} }} }}"))
}

#[test]
fn a_delay_that_is_missing() {
    assert_snapshot!(failure("mode: delay"), @r"
    error: `delay` is missing
      --> experiment.yaml:36:35
       |
    36 |     fault: { dns-failure: { mode: delay } }
       |                                   ^^^^^
       |
       = at: method[0].fault.dns-failure.mode
       = help: add such as `delay: 2s`
    ");
}

#[test]
fn a_delay_that_nobody_waits_for() {
    assert_snapshot!(failure("mode: delay, delay: 1m"), @r"
    error: 1m is longer than 20s
      --> experiment.yaml:36:49
       |
    36 |     fault: { dns-failure: { mode: delay, delay: 1m } }
       |                                                 ^^
       |
       = at: method[0].fault.dns-failure.delay
       = help: no client waits so long; use `mode: timeout`
    ");
}

#[test]
fn a_delay_without_its_mode() {
    assert_snapshot!(failure("mode: timeout, delay: 1s"), @r"
    error: `delay` belongs to `mode: delay`
      --> experiment.yaml:36:51
       |
    36 |     fault: { dns-failure: { mode: timeout, delay: 1s } }
       |                                                   ^^
       |
       = at: method[0].fault.dns-failure.delay
    ");
}

#[test]
fn wrong_addresses_without_their_mode() {
    assert_snapshot!(failure("addresses: [10.0.0.1]"), @r"
    error: `addresses` belongs to `mode: wrong`
      --> experiment.yaml:36:40
       |
    36 |     fault: { dns-failure: { addresses: [10.0.0.1] } }
       |                                        ^
       |
       = at: method[0].fault.dns-failure.addresses
    ");
}

#[test]
fn a_wrong_answer_that_is_no_address() {
    assert_snapshot!(failure("mode: wrong, types: [A, MX], addresses: [10.0.0.1, 10.0.0.0/8]"), @r"
    error: `10.0.0.0/8` is a network; an answer is an address
      --> experiment.yaml:36:80
       |
    36 |     fault: { dns-failure: { mode: wrong, types: [A, MX], addresses: [10.0.0.1, 10.0.0.0/8] } }
       |                                                                                ^^^^^^^^^^
       |
       = at: method[0].fault.dns-failure.addresses[1]

    error: a wrong answer is an address: `A` or `AAAA`
      --> experiment.yaml:36:53
       |
    36 |     fault: { dns-failure: { mode: wrong, types: [A, MX], addresses: [10.0.0.1, 10.0.0.0/8] } }
       |                                                     ^^
       |
       = at: method[0].fault.dns-failure.types[1]
       = help: use another mode for other types, such as `mode: nxdomain`
    ");
}

#[test]
fn a_pattern_that_is_no_name() {
    assert_snapshot!(failure(r#"names: [db.example.com, "https://db.example.com/"]"#), @r#"
    error: `https://db.example.com/` is no name; write one such as `db.example.com` or `*.example.com`
      --> experiment.yaml:36:53
       |
    36 |     fault: { dns-failure: { names: [db.example.com, "https://db.example.com/"] } }
       |                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = at: method[0].fault.dns-failure.names[1]
    "#);
}

#[test]
fn a_type_of_records_that_does_not_exist() {
    assert_snapshot!(failure("types: [AAA]"), @r"
    error: `AAA` is not one of the choices
      --> experiment.yaml:36:37
       |
    36 |     fault: { dns-failure: { types: [AAA] } }
       |                                     ^^^
       |
       = at: method[0].fault.dns-failure.types[0]
       = help: choose from `A`, `AAAA`, `ANY`, `CNAME`, `HTTPS`, `MX`, `NAPTR`, `NS`, `PTR`, `SOA`, `SRV`, `SVCB` and `TXT`.
    ");
}

#[test]
fn a_mode_that_does_not_exist() {
    assert_snapshot!(failure("mode: nxdomian"), @r"
    error: `nxdomian` is not one of the choices
      --> experiment.yaml:36:35
       |
    36 |     fault: { dns-failure: { mode: nxdomian } }
       |                                   ^^^^^^^^
       |
       = at: method[0].fault.dns-failure.mode
       = help: did you mean `nxdomain`?
    ");
}

#[test]
fn no_failure() {
    assert_snapshot!(failure("percent: 0%"), @r"
    error: 0% is no fault
      --> experiment.yaml:36:38
       |
    36 |     fault: { dns-failure: { percent: 0% } }
       |                                      ^^
       |
       = at: method[0].fault.dns-failure.percent
    ");
}

#[test]
fn a_peer_that_is_a_pattern() {
    let fault = r#"{ network-partition: { peers: { hosts: [db.example.com, "*.example.com"] } } }"#;
    assert_snapshot!(spoilt(FAULT, fault), @r#"
    error: `*.example.com` is no name of a host
      --> experiment.yaml:36:68
       |
    36 |     fault: { network-partition: { peers: { hosts: [db.example.com, "*.example.com"] } } }
       |                                                                    ^^^^^^^^^^^^^^^
       |
       = at: method[0].fault.network-partition.peers.hosts[1]
       = help: write the whole name, such as `db.example.com`: it is asked for as it is
    "#);
}
