//! What `plan` says of a target's surroundings is what is there.

use std::net::{TcpListener, TcpStream};

use super::actor::actor;
use super::target::Target;
use crate::support::{Sandbox, ports};

#[test]
fn shared_namespaces_ports_and_connections_are_shown() {
    let address = ports::address();
    let target = Target::acting(&mut actor(&format!("echo {address}")));
    let connection = TcpStream::connect(&address).expect("it listens");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let text = format!(
        r"
version: 1
title: a plan
hypothesis:
  title: the test is there
  probes: [{{ name: test, process: {{ select: {{ pid: {} }} }} }}]
method:
  - {{ target: {{ process: {{ pid: {} }} }}, fault: process-pause, for: 1s }}
",
        std::process::id(),
        target.pid()
    );
    let sandbox = Sandbox::new().file("e.yaml", &text);
    let plan = sandbox.run(["plan", "e.yaml"]);
    assert_eq!(plan.code, Some(0), "{plan}");
    let local = connection.local_addr().expect("it is connected");
    println!("{plan}");
    for words in [
        format!("tcp {address} of "),
        format!("tcp {address} – {local} of "),
        format!("(pid {})", target.pid()),
    ] {
        assert!(plan.stdout.contains(&words), "no `{words}` in {plan}");
    }
    let stranger = other.local_addr().expect("it listens").to_string();
    assert!(!plan.stdout.contains(&stranger), "what is not the target's is not shown: {plan}");
}
