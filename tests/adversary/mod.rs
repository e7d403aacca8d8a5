//! What an adversary tried, and what must not come of it.

mod network;
mod stuck;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Sandbox, skip, skip_unless_root};

/// A service that sleeps, and is paused.
fn experiment(title: &str, command: &str, rate: &str, length: &str) -> String {
    format!(
        r"
version: 1
title: {title}
services:
  s: {{ command: {command}, restart: on-failure }}
hypothesis:
  title: it is never stopped
  before: 200ms
  after: 200ms
  probes: [{{ name: alive, process: {{ service: s, rate: {rate} }}, tolerance: {{ success: {{ at-least: 0% }} }} }}]
method: [{{ target: {{ service: s }}, fault: process-pause, for: {length} }}]
"
    )
}

const SLEEP: &str = "[sleep, '600']";

/// A run that has injected something.
fn injected(sandbox: &Sandbox, files: &[&str]) -> (Child, Vec<String>) {
    let mut command = sandbox.command(["run"].iter().chain(files));
    let mut run =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be started");
    let mut told = Vec::new();
    let stderr = run.stderr.as_mut().expect("it is a pipe");
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        told.push(line);
        if told.last().is_some_and(|line| line.contains("injected")) {
            return (run, told);
        }
    }
    run.wait().expect("ours");
    panic!("nothing was injected: {told:#?}");
}

fn send(process: u32, signal: Signal) {
    let pid = Pid::from_raw(process.try_into().expect("a number of a process"));
    kill(pid, signal).expect("it is ours");
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    let runs = std::fs::read_dir(sandbox.state().join("runs")).expect("a run was begun");
    runs.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The agents that bear the mark of a sandbox's runs.
fn agents(sandbox: &Sandbox) -> Vec<u32> {
    let ids = ids(sandbox);
    let of = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap_or_default();
    let is_agent = |pid: &u32| {
        of(*pid).split('\0').any(|it| {
            it.strip_prefix("SHAKEDOWN_AGENT=").is_some_and(|run| ids.iter().any(|id| id == run))
        })
    };
    let processes = std::fs::read_dir("/proc").expect("it is mounted").flatten();
    processes.filter_map(|it| it.file_name().to_str()?.parse().ok()).filter(is_agent).collect()
}

#[test]
fn whoever_stops_a_run_does_not_begin_the_next() {
    let sandbox = Sandbox::new()
        .file("a.yaml", &experiment("a", SLEEP, "20/s", "20s"))
        .file("b.yaml", &experiment("b", SLEEP, "20/s", "20s"));
    let (mut run, _) = injected(&sandbox, &["a.yaml", "b.yaml"]);
    send(run.id(), Signal::SIGINT);
    assert_eq!(run.wait().expect("ours").code(), Some(5));
    assert_eq!(ids(&sandbox).len(), 1);
}

#[test]
fn a_fault_between_two_samples_is_no_pass() {
    let text = experiment("a", SLEEP, "1/s", "300ms").replace("after: 200ms", "after: 1500ms");
    let sandbox = Sandbox::new().file("a.yaml", &text);
    let output = sandbox.run(["run", "a.yaml"]);
    assert_eq!(output.code, Some(7), "{output}");
    assert!(output.stdout.contains("alive was not measured while"), "{output}");
}

#[test]
fn a_rollback_does_not_wait_for_a_controller_that_stands_still() {
    let sandbox = Sandbox::new().file("a.yaml", &experiment("a", SLEEP, "20/s", "50s"));
    let (mut run, _) = injected(&sandbox, &["a.yaml"]);
    send(run.id(), Signal::SIGSTOP);
    let begun = Instant::now();
    let output = sandbox.run(["rollback", "--all"]);
    send(run.id(), Signal::SIGCONT);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(run.wait().expect("ours").code(), Some(5));
}

#[test]
fn commands_that_undo_the_same_run_at_once_do_not_disturb_each_other() {
    let sandbox = Sandbox::new().file("a.yaml", &experiment("a", SLEEP, "20/s", "50s"));
    let (mut run, _) = injected(&sandbox, &["a.yaml"]);
    let agent = *agents(&sandbox).first().expect("it has an agent");
    send(agent, Signal::SIGKILL);
    send(run.id(), Signal::SIGKILL);
    run.wait().expect("ours");
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).spawn().expect("it starts");
    let all: Vec<Child> = (0..4).map(|_| quiet(&mut sandbox.command(["status"]))).collect();
    let codes = all.into_iter().map(|mut one| one.wait().expect("ours").code());
    assert_eq!(codes.collect::<Vec<_>>(), [Some(0); 4]);
}

#[test]
fn no_selector_reaches_the_agent_of_another_run() {
    let sandbox = Sandbox::new().file("a.yaml", &experiment("a", SLEEP, "20/s", "50s"));
    let (mut run, _) = injected(&sandbox, &["a.yaml"]);
    let agent = *agents(&sandbox).first().expect("it has an agent");
    let output = sandbox.run(["inject", "process-kill", "--pid", &agent.to_string()]);
    send(run.id(), Signal::SIGINT);
    run.wait().expect("ours");
    assert_eq!(output.code, Some(4), "{output}");
    assert!(output.stderr.contains("belongs to shakedown"), "{output}");
}

#[test]
fn a_daemon_that_hides_ends_with_its_service() {
    let seconds = format!("600.{}", std::process::id());
    let command = format!("[sh, -c, '(setsid env -i sleep {seconds} &); exec sleep 600']");
    let sandbox = Sandbox::new().file("a.yaml", &experiment("a", &command, "20/s", "500ms"));
    let output = sandbox.run(["run", "a.yaml"]);
    assert_eq!(output.code, Some(0), "{output}");
    let left = Command::new("pgrep").args(["-f", &format!("^sleep {seconds}")]).output();
    match left {
        Ok(left) => assert_eq!(String::from_utf8_lossy(&left.stdout), ""),
        Err(error) => skip(&format!("pgrep: {error}")),
    }
}

#[test]
fn partitions_that_overlap_are_each_undone() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new().file(
        "a.yaml",
        r#"
version: 1
title: overlapping partitions
services:
  a:
    command: ["${shakedown}", demo, replica, --listen, "${service.a.address}:18401"]
    network: own
    ready: { tcp: { address: "${service.a.address}:18401" } }
hypothesis:
  title: nothing is asked of it
  before: 200ms
  after: 200ms
  probes:
    - name: answers
      tcp: { address: "${service.a.address}:18401", rate: 20/s, timeout: 200ms }
      tolerance: { success: { at-least: 0% } }
method:
  - parallel:
      - { name: one, target: { service: a }, fault: { network-partition: { direction: both } }, for: 1s }
      - { name: two, target: { service: a }, fault: { network-partition: { direction: from } }, delay: 500ms, for: 1s }
"#,
    );
    let output = sandbox.run(["run", "a.yaml"]);
    if output.stderr.contains("cannot filter packets") {
        return skip("this kernel has no nf_tables with owners");
    }
    assert_eq!(output.code, Some(0), "{output}");
    assert!(!output.stderr.contains("could not undo"), "{output}");
}

#[test]
fn the_group_of_a_run_that_died_before_it_had_a_journal_is_removed() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let (old, new) = ("20000101-000000-aaaa", format!("29990101-000000-{}", std::process::id()));
    let trees = shakedown::sys::cgroup::Trees::read().expect("/proc is mounted");
    let Some(root) = trees.unified else { return skip("this host has no cgroups of version 2") };
    let groups = [old, &new].map(|run| root.join(format!("shakedown-{run}")));
    for (run, group) in [old, &new].iter().zip(&groups) {
        let folder = sandbox.state().join("runs").join(run);
        std::fs::create_dir_all(&folder).expect("the sandbox can be written");
        std::fs::create_dir_all(group.join("agent")).expect("root may");
    }
    let folder = std::fs::File::open(sandbox.state().join("runs").join(old)).expect("it is there");
    folder.set_modified(std::time::UNIX_EPOCH).expect("it is ours");
    let output = sandbox.run(["status"]);
    let left = groups.each_ref().map(|group| group.exists());
    for group in groups.iter().filter(|group| group.exists()) {
        std::fs::remove_dir(group.join("agent"))
            .and_then(|()| std::fs::remove_dir(group))
            .expect("ours");
    }
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(left, [false, true], "one that has just begun is none");
}
