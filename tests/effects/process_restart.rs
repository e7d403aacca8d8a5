//! `process-restart`: another process after a while, whatever the service's restart policy says.

use std::time::{Duration, Instant};

use super::injection::Injection;
use super::oracle::{eventually, processes};
use crate::support::Finished;

/// A service that is known by a word of its command line, and its restart.
struct Case {
    word: String,
    script: &'static str,
    fault: &'static str,
}

impl Case {
    fn new(script: &'static str, fault: &'static str) -> Self {
        let word = format!("restart-{}-{:x}", std::process::id(), rand::random::<u64>());
        Self { word, script, fault }
    }

    fn processes(&self) -> Vec<i32> {
        processes(|words| words.last() == Some(&self.word))
    }

    fn experiment(&self) -> String {
        let Self { word, script, fault } = self;
        format!(
            r#"
version: 1
title: a restart
services:
  it: {{ command: [sh, -c, "{script}", sh, {word}], restart: never }}
hypothesis:
  title: the test is there
  before: 100ms
  after: 100ms
  probes:
    - name: test
      process: {{ select: {{ pid: {} }}, rate: 50/s }}
method:
  - {{ target: {{ service: it }}, fault: {{ process-restart: {fault} }} }}
  - wait: 500ms
"#,
            std::process::id()
        )
    }

    /// The processes before and after, how long there was none, and the run.
    fn play(&self) -> (i32, i32, Duration, Finished) {
        let text = self.experiment();
        let run = std::thread::scope(|scope| {
            let run =
                scope.spawn(|| Injection::of_experiment(&text, "process-restart on service it"));
            let mut before = Vec::new();
            eventually("the service starts", || {
                before = self.processes();
                before.len() == 1
            });
            eventually("it ends", || !self.processes().contains(&before[0]));
            let down = Instant::now();
            let mut after = self.processes();
            eventually("it is there again", || {
                after = self.processes();
                after.len() == 1
            });
            let down = down.elapsed();
            (before[0], after[0], down, run.join().expect("it starts").finish())
        });
        assert_eq!(self.processes(), Vec::<i32>::new(), "services end with the run");
        run
    }
}

#[test]
fn it_stays_down_and_comes_back_though_it_is_never_restarted() {
    let case = Case::new("sleep 1000 & wait", "{ down: 400ms }");
    let (before, after, down, run) = case.play();
    assert_ne!(before, after);
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&down), "{down:?}");
    let proofs = run.ended(0, "held").proofs();
    let proof = format!("process {before} is now process {after}, seen after ");
    assert!(proofs[0].starts_with(&proof), "{proofs:?} and not {proof}");
}

#[test]
fn one_that_ignores_sigterm_is_killed() {
    let case = Case::new("trap '' TERM; sleep 1000 & wait", "{ kill-after: 300ms }");
    let (before, after, _, run) = case.play();
    assert_ne!(before, after);
    let proofs = run.ended(0, "held").proofs();
    assert!(proofs[0].contains(&format!("is now process {after}, ")), "{proofs:?}");
}
