//! `process-pause`: all threads stand still, and afterwards are as they were.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::actor::actor;
use super::injection::{Injection, inject};
use super::oracle::{eventually, groups, lives, states, tracer};
use super::target::Target;
use crate::support::{skip, skip_unless_root};

const FREEZER: &str = "method=freezer";

/// Whether this host lacks what the freezer needs. Says so.
fn skip_without_freezer() -> bool {
    let tree = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    if !tree.iter().any(|tree| Path::new(tree).join("cgroup.procs").exists()) {
        skip("needs control groups of version 2");
        return true;
    }
    skip_unless_root()
}

#[test]
fn one_that_runs_runs_again() {
    let target = Target::shell("echo; while :; do read line; sleep 0.01; done");
    let before = groups(target.pid());
    let pause = Injection::start(&["process-pause", "--pid", target.arg()]);
    assert_eq!(states(target.pid()), "t");
    assert_ne!(tracer(target.pid()), "0");
    assert_eq!(pause.stop().proofs(), ["1 of 1 threads stopped"]);
    assert_eq!(tracer(target.pid()), "0");
    assert_eq!(groups(target.pid()), before);
    assert!(!states(target.pid()).contains(['t', 'T']));
}

#[test]
fn one_that_was_stopped_stays_stopped() {
    let target = Target::sleeper();
    kill(Pid::from_raw(target.pid()), Signal::SIGSTOP).expect("it lives");
    eventually("the target stops", || states(target.pid()) == "T");
    let pause = Injection::start(&["process-pause", "--pid", target.arg(), "method=ptrace"]);
    assert_eq!(states(target.pid()), "t");
    assert_eq!(pause.stop().proofs(), ["1 of 1 threads stopped"]);
    assert_eq!(states(target.pid()), "T");
    assert_eq!(tracer(target.pid()), "0");
}

#[test]
fn the_freezer_leaves_one_that_was_stopped_stopped() {
    if skip_without_freezer() {
        return;
    }
    let target = Target::sleeper();
    kill(Pid::from_raw(target.pid()), Signal::SIGSTOP).expect("it lives");
    eventually("the target stops", || states(target.pid()) == "T");
    let before = groups(target.pid());
    let pause = Injection::start(&["process-pause", "--pid", target.arg(), FREEZER]);
    // It must not be woken while it is frozen either.
    kill(Pid::from_raw(target.pid()), Signal::SIGURG).expect("it lives");
    assert_ne!(groups(target.pid()), before);
    pause.stop().proofs();
    assert_eq!((states(target.pid()).as_str(), groups(target.pid())), ("T", before));
}

#[test]
fn the_freezer_puts_everything_back_where_it_was() {
    if skip_without_freezer() {
        return;
    }
    let file = tempfile::tempfile().expect("a file can be made");
    let target = Target::writing_to(&file, &mut actor("threads"));
    let length = || file.metadata().expect("it is open").len();
    let before = groups(target.pid());
    let pause = Injection::start(&["process-pause", "--pid", target.arg(), FREEZER]);
    let frozen = groups(target.pid());
    let group = frozen.lines().find_map(|line| line.strip_prefix("0::")).expect("version 2");
    assert!(group.contains("/shakedown-"), "{group}");
    let (first, began) = (length(), Instant::now());
    while began.elapsed() < Duration::from_millis(50) {
        assert_eq!(length(), first, "it goes on");
    }
    assert_eq!(pause.stop().proofs(), ["frozen in its own group"]);
    assert_eq!(groups(target.pid()), before);
    let name = group.rsplit('/').next().expect("a name");
    let left = Command::new("find").args(["/sys/fs/cgroup", "-name", name]).output();
    assert_eq!(left.expect("find is installed").stdout, b"", "the group is gone");
    eventually("the target goes on", || length() > first);
}

/// Threads that start others while they are being stopped are the hard case.
#[test]
fn every_one_of_many_threads_stands_still() {
    let file = tempfile::tempfile().expect("a file can be made");
    let target = Target::writing_to(&file, &mut actor("threads"));
    let length = || file.metadata().expect("it is open").len();
    let pause = Injection::start(&["process-pause", "--pid", target.arg(), "method=ptrace"]);
    assert_eq!(states(target.pid()), "t");
    let (first, began) = (length(), Instant::now());
    while began.elapsed() < Duration::from_millis(50) {
        assert_eq!(length(), first, "a thread goes on");
        assert_eq!(states(target.pid()), "t");
    }
    let proof = &pause.stop().proofs()[0];
    let [held, of] = <[&str; 2]>::try_from(
        proof.strip_suffix(" threads stopped").expect("words").split(" of ").collect::<Vec<_>>(),
    )
    .expect("two numbers");
    assert!(held == of && held.parse::<u32>().is_ok_and(|held| held >= 21), "{proof}");
    eventually("the target goes on", || length() > first);
    assert!(!states(target.pid()).contains('t'));
}

#[test]
fn one_that_is_traced_already_is_left_alone() {
    let target = Target::sleeper();
    let mut strace =
        match Command::new("strace").args(["-qq", "-o", "/dev/null", "-p", target.arg()]).spawn() {
            Ok(strace) => strace,
            Err(error) => return skip(&format!("strace: {error}")),
        };
    eventually("strace traces it", || tracer(target.pid()) == strace.id().to_string());
    let pause = ["process-pause", "--pid", target.arg(), "method=ptrace", "--for", "5s"];
    let output = inject(&pause);
    let traced = tracer(target.pid()) == strace.id().to_string();
    strace.kill().expect("it is our child");
    strace.wait().expect("it is our child");
    assert!(output.code == Some(4) && traced, "{output}");
    assert!(output.stdout.contains("traced already"), "{output}");
    eventually("nobody traces it", || tracer(target.pid()) == "0" && states(target.pid()) == "S");
}

#[test]
fn a_second_run_is_told_who_the_first_is() {
    let target = Target::sleeper();
    let first = Injection::start(&["process-pause", "--pid", target.arg()]);
    let second = Injection::begin(&["process-pause", "--pid", target.arg(), "--for", "5s"]);
    let second = second.finish();
    second.ended(4, "not-injected");
    assert_eq!(states(target.pid()), "t", "the first is still on");
    let first = first.stop();
    let cause = second.report["cause"].as_str().expect("a sentence");
    assert!(cause.contains(first.id()), "{cause}");
    first.proofs();
}

/// Its parent, a shell, waits for it: that must not last as long as the pause.
#[test]
fn the_parent_of_one_that_is_killed_learns_of_it_at_once() {
    let mut shell = Target::shell("sleep 1000 & echo; echo $!; wait $!; echo $?; exec sleep 1000");
    let (child, began) = (shell.line(), Instant::now());
    let pause = ["process-pause", "--pid", &child, "method=ptrace", "--for", "3s"];
    let mut pause = Injection::begin(&pause);
    pause.await_line("injected");
    let pid: i32 = child.parse().expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
    assert_eq!(shell.line(), "137");
    assert!(pause.is_on(), "the shell learnt of it only at the end, {:?}", began.elapsed());
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it is no zombie");
    let run = pause.finish();
    run.ended(7, "inconclusive");
    let cause = run.report["cause"].as_str().expect("a sentence");
    assert!(cause.contains("ended while it was paused"), "{cause}");
    assert!(lives(shell.pid()), "its parent is not ours to end");
}

/// A traced child stops `wait` from returning for its parent, which must not see a stop either.
#[test]
fn a_shell_that_waits_sees_nothing_of_the_pause() {
    let script = "sh -c 'read line; exit 5' <\"$FIFO\" & echo; echo $!; wait $!; echo $?";
    let folder = tempfile::tempdir().expect("a folder can be made");
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    let mut shell = Target::start(Command::new("sh").args(["-c", script]).env("FIFO", &fifo));
    let child = shell.line();
    let writer = fs::File::options().read(true).write(true).open(&fifo).expect("it is there");
    let pause = Injection::start(&["process-pause", "--pid", &child]);
    assert_eq!(states(child.parse().expect("a number")), "t");
    assert_eq!(shell.ended(), None);
    pause.stop().proofs();
    std::io::Write::write_all(&mut &writer, b"go\n").expect("it is read");
    assert_eq!(shell.line(), "5");
}
