//! What is more than was allowed is refused, and nothing is touched.

use std::process::Command;

use super::injection::{inject, refused};
use super::oracle::{states, tracer};
use super::pool::Pool;
use crate::support::Sandbox;

fn experiment(word: &str, limits: &str) -> String {
    format!(
        r"
version: 1
title: too much
hypothesis:
  title: the test is there
  probes: [{{ name: test, process: {{ select: {{ pid: {} }} }} }}]
blast-radius: {limits}
method:
  - target: {{ process: {{ token: {word} }}, pick: all }}
    fault: process-pause
    for: 1s
",
        std::process::id()
    )
}

#[test]
fn too_many_targets_are_refused_and_untouched() {
    let mut pool = Pool::of(3);
    for (limits, words) in [
        ("{ max-targets: 2 }", "3 targets chosen; blast-radius.max-targets is 2"),
        ("{ max-targets: 3, max-share: 50% }", "blast-radius.max-share is 50%"),
    ] {
        let sandbox = Sandbox::new().file("e.yaml", &experiment(pool.word(), limits));
        let output = sandbox.run(["run", "e.yaml", "--yes"]);
        assert_eq!(output.code, Some(4), "{output}");
        assert!(output.stderr.contains(words), "{output}");
        assert!(!sandbox.path("state/runs").exists(), "no run has begun");
    }
    for target in pool.targets() {
        assert_eq!((states(target.pid()).as_str(), tracer(target.pid()).as_str()), ("S", "0"));
    }
}

#[test]
fn those_who_started_it_are_refused() {
    let own = std::process::id().to_string();
    let words = refused(&["process-kill", "--pid", &own, "signal=URG"]);
    assert!(words.contains("ancestor of this shakedown"), "{words}");
    let first = inject(&["process-kill", "--pid", "1", "signal=URG"]);
    assert_eq!(first.code, Some(2), "{first}");
}

/// A shell that runs it in the foreground is its ancestor as well.
#[test]
fn the_operators_shell_is_refused() {
    let program = env!("CARGO_BIN_EXE_shakedown");
    let script = format!("'{program}' inject process-pause --pid $$ --for 1s; exit $?");
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("SHAKEDOWN_STATE_DIR", Sandbox::new().state())
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("ancestor of this shakedown"), "{told}");
}
