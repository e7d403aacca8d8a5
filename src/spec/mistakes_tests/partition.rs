//! Rules for partitions between nodes.

use insta::assert_snapshot;

use crate::spec::tests::read;

/// What is wrong with a step whose targets and fault are these, among four services.
fn mistakes(target: &str, fault: &str) -> String {
    let text = format!(
        "\
version: 1
title: The cluster agrees
services:
  a: &node {{ command: [node], network: own }}
  b: *node
  c: *node
  d: *node
hypothesis: {{ title: it agrees, probes: [{{ name: up, tcp: {{ address: '127.0.0.1:1' }} }}] }}
method:
  - target: {target}
    fault: {{ network-partition: {{ {fault} }} }}
    for: 1s
"
    );
    read(&text).map_or_else(|mistakes| mistakes.to_string(), |_| "none".to_owned())
}

const ALL: &str = "{ service: [a, b, c, d], pick: all }";

#[test]
fn every_shape_is_read() {
    for between in [
        "{ pair: [[a, b], c] }",
        "{ pair: [a, d] }",
        "isolate",
        "{ isolate: c }",
        "halves",
        "majorities-ring",
        "bridge",
        "{ bridge: a }",
        "{ links: [[a, c], [b, d]] }",
    ] {
        assert_eq!(mistakes(ALL, &format!("between: {between}")), "none", "{between}");
    }
    assert_eq!(
        mistakes("{ service: [a, b, c, d], pick: 3 }", "between: isolate, direction: to"),
        "none"
    );
    assert_eq!(mistakes("{ service: [a, b, c, d], pick: 75% }", "between: halves"), "none");
    assert_eq!(mistakes(ALL, "between: { links: [[a, c], [c, a]] }, direction: to"), "none");
}

#[test]
fn a_name_that_is_no_node() {
    assert_snapshot!(mistakes("{ service: [a, b], pick: all }", "between: { isolate: c }"), @r"
    error: `c` is not among the step's targets
      --> experiment.yaml:11:55
       |
    11 |     fault: { network-partition: { between: { isolate: c } } }
       |                                                       ^
       |
       = at: method[0].fault.network-partition.between.isolate
       = help: did you mean `a`?
    ");
    assert_snapshot!(mistakes("{ service: [a, b], pick: all }", "between: { pair: [a, [b, c]] }"), @r"
    error: `c` is not among the step's targets
      --> experiment.yaml:11:60
       |
    11 |     fault: { network-partition: { between: { pair: [a, [b, c]] } } }
       |                                                            ^
       |
       = at: method[0].fault.network-partition.between.pair[1][1]
       = help: did you mean `a`?
    ");
}

#[test]
fn a_node_named_twice() {
    assert_snapshot!(mistakes(ALL, "between: { pair: [[a, b], [b, c]] }"), @r"
    error: the node `b` is named twice
      --> experiment.yaml:11:62
       |
    11 |     fault: { network-partition: { between: { pair: [[a, b], [b, c]] } } }
       |                                                              ^
       |
       = at: method[0].fault.network-partition.between.pair[1][0]
    ");
    assert_snapshot!(mistakes(ALL, "between: { links: [[a, c], [c, a], [d, d]] }"), @r"
    error: the link of `c` and `a` is named twice
      --> experiment.yaml:11:62
       |
    11 |     fault: { network-partition: { between: { links: [[a, c], [c, a], [d, d]] } } }
       |                                                              ^
       |
       = at: method[0].fault.network-partition.between.links[1]

    error: `d` has no link to itself
      --> experiment.yaml:11:70
       |
    11 |     fault: { network-partition: { between: { links: [[a, c], [c, a], [d, d]] } } }
       |                                                                      ^
       |
       = at: method[0].fault.network-partition.between.links[2]
    ");
}

#[test]
fn a_link_has_two_ends() {
    assert_snapshot!(mistakes(ALL, "between: { links: [[a, b, c]] }"), @r"
    error: expected 2 items here, found 3
      --> experiment.yaml:11:54
       |
    11 |     fault: { network-partition: { between: { links: [[a, b, c]] } } }
       |                                                      ^
       |
       = at: method[0].fault.network-partition.between.links[0]
    ");
    assert_snapshot!(mistakes(ALL, "between: { links: [[a]] }"), @r"
    error: invalid length 1, expected an array of length 2
      --> experiment.yaml:11:54
       |
    11 |     fault: { network-partition: { between: { links: [[a]] } } }
       |                                                      ^
       |
       = at: method[0].fault.network-partition.between.links[0]
    ");
    assert_snapshot!(mistakes(ALL, "between: { links: [] }"), @r"
    error: the list is empty
      --> experiment.yaml:11:53
       |
    11 |     fault: { network-partition: { between: { links: [] } } }
       |                                                     ^
       |
       = at: method[0].fault.network-partition.between.links
       = help: name links, such as `[[a, c]]`
    ");
}

#[test]
fn too_few_nodes() {
    assert_snapshot!(mistakes("{ service: [a, b, c], pick: all }", "between: majorities-ring"), @r"
    error: `majorities-ring` takes at least 4 nodes; this step has 3 nodes
      --> experiment.yaml:11:44
       |
    11 |     fault: { network-partition: { between: majorities-ring } }
       |                                            ^^^^^^^^^^^^^^^
       |
       = at: method[0].fault.network-partition.between
       = help: with three nodes, break one of their links: `links`
    ");
    assert_snapshot!(mistakes("{ service: [a, b, c] }", "between: halves"), @r"
    error: `halves` takes at least 2 nodes; this step has 1 node
      --> experiment.yaml:10:13
       |
    10 |   - target: { service: [a, b, c] }
       |             ^
       |
       = at: method[0].target.pick
       = help: write `pick: all`
    ");
    assert_snapshot!(mistakes("{ service: [a, b, c], pick: 2 }", "between: { isolate: a }"), @r"
    error: `isolate` names nodes, and they might not be picked
      --> experiment.yaml:10:41
       |
    10 |   - target: { service: [a, b, c], pick: 2 }
       |                                         ^
       |
       = at: method[0].target.pick
       = help: write `pick: all`
    ");
}

#[test]
fn what_excludes_each_other() {
    assert_snapshot!(mistakes(ALL, "between: halves, peers: { ports: [80] }"), @r"
    error: `between` and `peers` exclude each other
      --> experiment.yaml:11:52
       |
    11 |     fault: { network-partition: { between: halves, peers: { ports: [80] } } }
       |                                                    ^^^^^
       |
       = at: method[0].fault.network-partition.peers
       = help: each node's peers are what `between` says
    ");
    assert_snapshot!(mistakes(ALL, "between: majorities-ring, direction: from"), @r"
    error: a ring has no first and no second side, so it is cut both ways
      --> experiment.yaml:11:72
       |
    11 |     fault: { network-partition: { between: majorities-ring, direction: from } }
       |                                                                        ^^^^
       |
       = at: method[0].fault.network-partition.direction
       = help: leave `direction` out
    ");
}

#[test]
fn processes_are_no_nodes() {
    let process = "{ process: { name: node }, pick: all }";
    assert_snapshot!(mistakes(process, "between: halves"), @r"
    error: only services of this experiment can be nodes: the addresses of processes are not known
      --> experiment.yaml:11:44
       |
    11 |     fault: { network-partition: { between: halves } }
       |                                            ^^^^^^
       |
       = at: method[0].fault.network-partition.between
       = help: name services in `target`, or use `peers`
    ");
}
