//! Faults by a proxy.

use insta::assert_snapshot;

use crate::spec::tests::spoilt;

/// The mistakes of a fault.
fn fault(text: &str) -> String {
    spoilt(
        "fault: { network-latency: { delay: 250ms, jitter: 50ms } }",
        &format!("fault: {{ {text} }}"),
    )
}

#[test]
fn no_toxic() {
    assert_snapshot!(fault("tcp-proxy: { ports: [80] }"), @r"
    error: at least one of `latency`, `bandwidth`, `slicer`, `slow-close`, `limit-data`, `timeout`, `reset-peer` is needed
      --> experiment.yaml:36:25
       |
    36 |     fault: { tcp-proxy: { ports: [80] } }
       |                         ^
       |
       = at: method[0].fault.tcp-proxy
    ");
}

#[test]
fn no_action() {
    assert_snapshot!(fault("http-fault: { ports: [80], percent: 50% }"), @r"
    error: at least one of `delay`, `abort`, `answer`, `request`, `response` is needed
      --> experiment.yaml:36:26
       |
    36 |     fault: { http-fault: { ports: [80], percent: 50% } }
       |                          ^
       |
       = at: method[0].fault.http-fault
    ");
}

#[test]
fn an_abort_with_an_answer() {
    assert_snapshot!(fault("http-fault: { ports: [80], abort: reset, answer: { status: 503 } }"), @r"
    error: `abort` and `answer` exclude each other
      --> experiment.yaml:36:55
       |
    36 |     fault: { http-fault: { ports: [80], abort: reset, answer: { status: 503 } } }
       |                                                       ^^^^^^
       |
       = at: method[0].fault.http-fault.answer
    ");
}

#[test]
fn ports_of_peers() {
    assert_snapshot!(fault("http-fault: { ports: [80], delay: 1s, peers: { ports: [81] } }"), @r"
    error: `ports` has no place in the peers of a proxy
      --> experiment.yaml:36:68
       |
    36 |     fault: { http-fault: { ports: [80], delay: 1s, peers: { ports: [81] } } }
       |                                                                    ^
       |
       = at: method[0].fault.http-fault.peers.ports
       = help: say which with `ports`, beside `peers`; the protocol is TCP
    ");
}

#[test]
fn a_status_of_no_answer() {
    assert_snapshot!(fault("http-fault: { ports: [80], response: { status: 101 } }"), @r"
    error: 101 is no status of an answer; they go from 200 to 599
      --> experiment.yaml:36:61
       |
    36 |     fault: { http-fault: { ports: [80], response: { status: 101 } } }
       |                                                             ^^^
       |
       = at: method[0].fault.http-fault.response.status
    ");
}

#[test]
fn no_name_of_a_header() {
    assert_snapshot!(fault("http-fault: { ports: [80], response: { headers: { set: { 'a b': c } } } }"), @r"
    error: `a b` is no name of a header
      --> experiment.yaml:36:71
       |
    36 |     fault: { http-fault: { ports: [80], response: { headers: { set: { 'a b': c } } } } }
       |                                                                       ^^^^^
       |
       = at: method[0].fault.http-fault.response.headers.set.a b
    ");
}

#[test]
fn slices_that_vary_too_much() {
    assert_snapshot!(fault("tcp-proxy: { ports: [80], slicer: { average-size: 1B, size-variation: 1B } }"), @r"
    error: the variation, 1B, is not smaller than the average, 1B
      --> experiment.yaml:36:84
       |
    36 |     fault: { tcp-proxy: { ports: [80], slicer: { average-size: 1B, size-variation: 1B } } }
       |                                                                                    ^^
       |
       = at: method[0].fault.tcp-proxy.slicer.size-variation
       = help: a piece has a byte at least
    ");
}

#[test]
fn a_path_without_a_slash() {
    assert_snapshot!(fault("http-fault: { ports: [80], delay: 1s, match: { paths: [orders] } }"), @r"
    error: the path `orders` begins neither with `/` nor with `*`
      --> experiment.yaml:36:69
       |
    36 |     fault: { http-fault: { ports: [80], delay: 1s, match: { paths: [orders] } } }
       |                                                                     ^^^^^^
       |
       = at: method[0].fault.http-fault.match.paths[0]
       = help: write `/orders` or `*orders`
    ");
}
