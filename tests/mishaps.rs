//! What goes wrong for people: each ends with the right exit code, says why, and leaves nothing.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Finished, Sandbox, experiments, ports, skip_unless_root};

/// Runs `process-pause` on ports of its own until a line of it holds a word.
fn run_until(sandbox: &Sandbox, word: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let file = experiments::path("process-pause");
    let mut command = sandbox.command(["run".as_ref(), file.as_os_str()]);
    command.args(experiments::moved(&file)).args(["--format", "json"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut told = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(told.read_line(&mut line).expect("it can be read"), 0, "no line with {word}");
    }
    (child, told)
}

/// Waits for a run that was stopped, and looks at what it left.
fn end(sandbox: &Sandbox, (child, mut told): (Child, BufReader<impl Read>)) -> Finished {
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("it can be read");
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let run = Finished { code: output.status.code(), report, told: rest };
    run.left_nothing(&sandbox.path(""));
    run
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("a process id fits");
    kill(Pid::from_raw(pid), signal).expect("it lives");
}

#[test]
fn a_signal_undoes_everything_however_often_it_comes() {
    for (name, count) in
        [(Signal::SIGINT, 1), (Signal::SIGTERM, 1), (Signal::SIGHUP, 1), (Signal::SIGINT, 10)]
    {
        let sandbox = Sandbox::new();
        let (child, told) = run_until(&sandbox, "injected process-pause");
        (0..count).for_each(|_| signal(&child, name));
        let run = end(&sandbox, (child, told));
        run.ended(5, "aborted").proofs();
        assert_eq!(run.report["cause"], format!("interrupted by {name}"));
    }
}

#[test]
fn a_killed_controller_is_reported_with_what_its_agent_undid() {
    let sandbox = Sandbox::new();
    let (mut child, mut told) = run_until(&sandbox, "injected process-pause");
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    // The agent and the services hold the other end until they are gone.
    std::io::copy(&mut told, &mut std::io::sink()).expect("it can be read");
    let output = sandbox.run(["rollback", "--all"]);
    assert_eq!(output.code, Some(0), "{output}");
    let output = sandbox.command(["report", "--format", "json"]).output().expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let cause = report["cause"].as_str().expect("a sentence");
    assert!(cause.ends_with("everything was rolled back"), "{cause}");
    Finished { code: None, report, told: String::new() }.left_nothing(&sandbox.path(""));
}

#[test]
fn a_reader_that_leaves_changes_nothing() {
    let sandbox = Sandbox::new();
    let file = experiments::path("process-pause");
    let mut command = sandbox.command(["run".as_ref(), file.as_os_str()]);
    command.args(experiments::moved(&file)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("it is our child").code(), Some(0));
    let output = sandbox.run(["report"]);
    assert!(output.stdout.contains("held (exit 0)"), "{output}");
}

/// `process-pause` with its shop replaced, run to its end.
fn with_shop(shop: &str) -> Finished {
    let file = experiments::path("process-pause");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let (start, rest) = text.split_once("  shop:\n    command:").expect("a shop");
    let (_, rest) = rest.split_once('\n').expect("more lines");
    let (_, rest) = rest.split_once('\n').expect("more lines");
    let sandbox = Sandbox::new().file("e.yaml", &format!("{start}{shop}{rest}"));
    let variables = experiments::moved(&file);
    sandbox.finish(sandbox.command(["run", "e.yaml"]).args(variables))
}

#[test]
fn a_service_that_fails_at_once_ends_the_run_and_is_quoted() {
    let run = with_shop("  shop:\n    command: [sh, -c, 'echo no configuration; exit 3']\n");
    let cause = run.ended(4, "not-injected").report["cause"].as_str().expect("a sentence");
    assert!(cause.contains("exit code 3 (its last words: no configuration)"), "{cause}");
}

#[test]
fn a_service_that_is_never_ready_ends_the_run() {
    let run = with_shop(
        "  shop:\n    command: [sleep, '100']\n    ready: { tcp: { address: \"${shop}\" }, within: 300ms }\n",
    );
    let cause = run.ended(4, "not-injected").report["cause"].as_str().expect("a sentence");
    assert!(cause.starts_with("the service shop is not ready within 300ms: "), "{cause}");
}

#[test]
fn somebody_else_on_the_port_is_not_taken_for_the_service() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound");
    let variable = format!("replica-1={address}");
    let run = Sandbox::new().experiment("quickstart", &["--var", &variable]);
    let cause = run.ended(4, "not-injected").report["cause"].as_str().expect("a sentence");
    assert!(cause.contains("cannot listen on"), "{cause}");
}

#[test]
fn a_probe_of_a_closed_port_is_no_steady_state() {
    let (shop, closed) = (ports::address(), ports::address());
    let text = std::fs::read_to_string(experiments::path("process-pause")).expect("it is there");
    let text = text.replace("http://${shop}/checkout", &format!("http://{closed}/checkout"));
    let sandbox = Sandbox::new().file("e.yaml", &text);
    let [first, second] = [ports::address(), ports::address()];
    let variables = [("shop", shop), ("replica-1", first), ("replica-2", second)];
    let mut command = sandbox.command(["run", "e.yaml"]);
    for (name, value) in variables {
        command.args(["--var", &format!("{name}={value}")]);
    }
    let run = sandbox.finish(&mut command);
    assert_eq!(run.ended(3, "unsteady").proofs(), Vec::<String>::new());
}

#[test]
fn two_runs_cannot_pause_the_same_process() {
    let mut sleeper = Command::new("sleep").arg("100").spawn().expect("sleep is installed");
    let text = format!(
        r"
version: 1
title: One at a time
hypothesis:
  title: the test is there
  before: 100ms
  after: 100ms
  probes:
    - {{ name: alive, process: {{ select: {{ pid: {} }}, rate: 50/s }}, tolerance: {{ success: {{ at-least: 100% }} }} }}
method:
  - {{ target: {{ process: {{ pid: {} }} }}, fault: process-pause, for: 2s }}
",
        std::process::id(),
        sleeper.id()
    );
    let sandbox = Sandbox::new().file("e.yaml", &text);
    let run = || sandbox.command(["run", "e.yaml", "--format", "json"]);
    let mut first = run().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut told = BufReader::new(first.stderr.take().expect("it is piped")).lines();
    assert!(told.any(|line| line.expect("it can be read").contains("injected process-pause")));
    let second = run().output().expect("it starts");
    assert_eq!(second.status.code(), Some(4));
    let second: Value = serde_json::from_slice(&second.stdout).expect("a report");
    let first = first.wait_with_output().expect("it ends");
    assert_eq!(first.status.code(), Some(0));
    let first: Value = serde_json::from_slice(&first.stdout).expect("a report");
    let cause = second["cause"].as_str().expect("a sentence");
    assert!(cause.contains(first["run"].as_str().expect("an id")), "{cause}");
    sleeper.kill().expect("it is our child");
    sleeper.wait().expect("it is our child");
}

#[test]
fn a_full_disk_of_the_journal_means_that_nothing_happens() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let disk = sandbox.memory_disk("64k");
    let state = disk.path().to_string();
    std::fs::write(sandbox.path("disk/other"), vec![0; 20_000]).expect("there is room for this");
    let file = experiments::path("process-pause");
    let mut command = sandbox.command(["run".as_ref(), file.as_os_str()]);
    let output = command.env("SHAKEDOWN_STATE_DIR", &state).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("cannot make the journal") && text.contains("No space left"), "{text}");
    let status = sandbox.command(["status"]).env("SHAKEDOWN_STATE_DIR", &state).output();
    assert_eq!(status.expect("it starts").status.code(), Some(0));
}

#[test]
fn a_relative_state_folder_is_the_controllers() {
    let sandbox = Sandbox::new();
    let file = experiments::path("process-pause");
    let mut command = sandbox.command(["run".as_ref(), file.as_os_str()]);
    command.args(experiments::moved(&file)).env("SHAKEDOWN_STATE_DIR", "state");
    sandbox.finish(&mut command).ended(0, "held");
}

#[test]
fn a_folder_is_no_experiment() {
    let output = Sandbox::new().file("folder/e.yaml", "").run(["run", "folder"]);
    insta::assert_snapshot!(output, @r"
    exit code: 2
    --- stdout
    --- stderr
    error: cannot read folder: Is a directory (os error 21)
    help: name its files: folder/*.yaml
    ");
}
