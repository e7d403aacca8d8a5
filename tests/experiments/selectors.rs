//! Processes of this host as targets: who is chosen, who never is, and what is refused.

use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::{Output, Sandbox};

/// Processes that sleep, with an argument that no other process on this host has.
struct Sleepers {
    children: Vec<Child>,
    token: String,
}

impl Sleepers {
    fn new(count: usize) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let token = format!("3600.{}{number:03}", std::process::id());
        let start = |_| Command::new("sleep").arg(&token).spawn().expect("sleep is installed");
        Self { children: (0..count).map(start).collect(), token }
    }

    fn pids(&self) -> Vec<u64> {
        self.children.iter().map(|child| child.id().into()).collect()
    }

    /// The letters of their states in `/proc`.
    fn states(&self) -> String {
        let state = |child: &Child| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()));
            stat.ok()?.rsplit_once(") ")?.1.chars().next()
        };
        self.children.iter().map(|child| state(child).unwrap_or('-')).collect()
    }

    /// An experiment that does something to them.
    fn experiment(&self, radius: &str, target: &str, fault: &str) -> Sandbox {
        let token = &self.token;
        let target = target.replace("TOKEN", &format!("\"{token}\""));
        Sandbox::new().file(
            "e.yaml",
            &format!(
                r#"
version: 1
title: Sleepers sleep on
hypothesis:
  title: one at least is there
  before: 300ms
  after: 300ms
  probes:
    - name: alive
      process: {{ select: {{ token: "{token}" }}, rate: 20/s }}
      tolerance: {{ success: {{ at-least: 100% }} }}
blast-radius: {radius}
method:
  - name: hurt
    target: {target}
    {fault}
"#
            ),
        )
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const PAUSE: &str = "fault: process-pause\n    for: 500ms";

/// The pids that a plan would touch.
fn planned(sandbox: &Sandbox, args: &[&str]) -> Vec<u64> {
    let command = ["plan", "e.yaml", "--format", "json"].iter().chain(args);
    let output = sandbox.command(command).output().expect("the program starts");
    let plan: Value = serde_json::from_slice(&output.stdout).expect("a plan");
    let acts = plan["entries"][0]["steps"][0]["acts"].as_array().expect("acts");
    let pid = |act: &Value| act["act"]["pause"]["site"]["process"]["pid"].as_u64();
    acts.iter().map(|act| pid(act).expect("a process")).collect()
}

/// What a run says that is refused, which must leave the processes as they are.
fn refused(sleepers: &Sleepers, sandbox: &Sandbox) -> Output {
    let output = sandbox.run(["run", "e.yaml"]);
    assert_eq!(sleepers.states(), "S".repeat(sleepers.children.len()));
    let pids = sleepers.pids().into_iter();
    pids.fold(output, |output, pid| output.redact(&format!(r"\b{pid}\b"), "[pid]"))
        .redact(&sleepers.token, "[token]")
        .redact(r"pid \d+", "pid [pid]")
}

#[test]
fn the_seed_chooses_and_chooses_the_same_again() {
    let sleepers = Sleepers::new(6);
    let sandbox =
        sleepers.experiment("{ max-targets: 2 }", "{ process: { token: TOKEN }, pick: 2 }", PAUSE);
    let first = planned(&sandbox, &["--seed", "7"]);
    assert!(first.len() == 2 && first.iter().all(|pid| sleepers.pids().contains(pid)));
    assert_eq!(planned(&sandbox, &["--seed", "7"]), first);
    let others = (0..20).map(|seed| planned(&sandbox, &["--seed", &seed.to_string()]));
    assert!(others.into_iter().any(|other| other != first), "another seed chooses others");
}

#[test]
fn a_process_that_is_excepted_is_never_chosen() {
    let sleepers = Sleepers::new(2);
    let [spared, other] = <[u64; 2]>::try_from(sleepers.pids()).expect("two");
    let target =
        format!("{{ process: {{ token: TOKEN }}, except: {{ pid: {spared} }}, pick: all }}");
    let sandbox = sleepers.experiment("{ max-targets: 2 }", &target, PAUSE);
    assert_eq!(planned(&sandbox, &[]), [other]);
}

#[test]
fn a_process_is_paused_and_goes_on() {
    let sleepers = Sleepers::new(2);
    let sandbox = sleepers.experiment(
        "{ max-targets: 1 }",
        "{ process: { token: TOKEN }, pick: one }",
        PAUSE,
    );
    let run = sandbox.finish(&mut sandbox.command(["run", "e.yaml"]));
    assert_eq!(run.ended(0, "held").proofs(), ["1 of 1 threads stopped"]);
    assert_eq!(sleepers.states(), "SS");
}

#[test]
fn more_than_the_blast_radius_is_refused() {
    let sleepers = Sleepers::new(3);
    let all = "{ process: { token: TOKEN }, pick: all }";
    let many = sleepers.experiment("{ max-targets: 2 }", all, PAUSE);
    insta::assert_snapshot!(refused(&sleepers, &many), @r"
    exit code: 4
    --- stdout
    --- stderr
    error: method[0].target: 3 targets chosen; blast-radius.max-targets is 2
    ");
    let share = sleepers.experiment(
        "{ max-targets: 3, max-share: 50% }",
        "{ process: { token: TOKEN }, pick: 2 }",
        PAUSE,
    );
    insta::assert_snapshot!(refused(&sleepers, &share), @r"
    exit code: 4
    --- stdout
    --- stderr
    error: method[0].target: 2 of 3 that match (67%) chosen; blast-radius.max-share is 50%
    ");
    let long = sleepers.experiment(
        "{ max-targets: 3, max-duration: 400ms }",
        "{ process: { token: TOKEN } }",
        PAUSE,
    );
    insta::assert_snapshot!(refused(&sleepers, &long), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: 500ms is longer than the blast radius allows, 400ms
      --> e.yaml:17:10
       |
    17 |     for: 500ms
       |          ^^^^^
       |
       = at: method[0].for
       = help: shorten it, or write `blast-radius: { max-duration: 500ms }`
    ");
}

#[test]
fn a_stranger_is_killed_only_if_that_is_allowed_by_name() {
    let sleepers = Sleepers::new(2);
    let (one, kill) = ("{ process: { token: TOKEN } }", "fault: process-kill\n  - wait: 500ms");
    let forbidden = sleepers.experiment("{ max-targets: 1 }", one, kill);
    insta::assert_snapshot!(refused(&sleepers, &forbidden), @r"
    exit code: 4
    --- stdout
    --- stderr
    error: method[0].fault: `process-kill` cannot be undone, and sleep (pid [pid]) is no service of this experiment; write `allow: [irreversible]` in blast-radius if it recovers by itself
    ");
    let allowed = sleepers.experiment("{ max-targets: 1, allow: [irreversible] }", one, kill);
    let run = allowed.finish(&mut allowed.command(["run", "e.yaml"]));
    run.ended(0, "held").proofs();
    let mut states = sleepers.states().chars().collect::<Vec<_>>();
    states.sort_unstable();
    assert_eq!(states, ['S', 'Z'], "one is dead, the other is not");
}

#[test]
fn what_matches_nothing_is_refused() {
    let sleepers = Sleepers::new(1);
    let nobody = "{ process: { token: no-such-argument } }";
    let sandbox = sleepers.experiment("{}", nobody, PAUSE);
    insta::assert_snapshot!(refused(&sleepers, &sandbox), @r"
    exit code: 4
    --- stdout
    --- stderr
    error: no process matches `{ token: no-such-argument }`
    ");
}

#[test]
fn shakedown_never_aims_at_itself() {
    let sleepers = Sleepers::new(1);
    // Named by an argument that the run has too: a variable's value.
    let own = format!("own={}", sleepers.token);
    let target = "{ process: { token: \"own=${own}\" } }";
    let sandbox = sleepers.experiment("{}", target, PAUSE);
    let text = std::fs::read_to_string(sandbox.path("e.yaml")).expect("it is there");
    let sandbox = sandbox.file("e.yaml", &format!("{text}\nvariables: {{ own: {{}} }}\n"));
    let output = sandbox.run(["run", "e.yaml", "--var", &own]);
    let output = output.redact(&sleepers.token, "[token]").redact(r"pid \d+", "pid [pid]");
    insta::assert_snapshot!(output, @r"
    exit code: 4
    --- stdout
    --- stderr
    error: no process may be a target of `{ token: own=[token] }`: all 1 that match are left out
    help: shakedown (pid [pid]) is this shakedown itself
    ");
}
