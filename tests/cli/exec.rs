//! `shakedown exec`: commands in the network of a service of a run that is going on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Output, Sandbox, skip_unless_root};

/// A run that is going on, with a service `web`; ended when this is dropped.
struct Running {
    sandbox: Sandbox,
    run: Child,
}

impl Running {
    fn start(network: &str) -> Self {
        let text = format!(
            "\
version: 1
title: It runs
services: {{ web: {{ command: [sleep, '60'], network: {network} }} }}
hypothesis:
  title: it runs
  before: 1ms
  probes: [{{ name: web, process: {{ service: web }} }}]
method: [{{ target: {{ service: web }}, fault: process-pause, for: 50s }}]
"
        );
        let sandbox = Sandbox::new().file("e.yaml", &text);
        let mut command = sandbox.command(["run", "e.yaml"]);
        let mut run = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let told = BufReader::new(run.stderr.take().unwrap()).lines();
        assert!(told.map_while(Result::ok).any(|line| line.contains("process-pause on")));
        Self { sandbox, run }
    }

    fn exec(&self, args: &[&str]) -> Output {
        self.sandbox.run([&["exec"], args].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(i32::try_from(self.run.id()).unwrap()), Signal::SIGINT);
        let _ = self.run.wait();
    }
}

/// What is refused, in words, with the exit code.
fn refused(output: &Output) -> String {
    assert_eq!(output.stdout, "");
    format!("{}{}", output.stderr, output.code.unwrap())
}

#[test]
fn without_a_run_there_is_nothing_to_enter() {
    let said = refused(&Sandbox::new().run(["exec", "web", "--", "true"]));
    assert!(said.starts_with("error: no run is going on") && said.ends_with('4'), "{said}");
    insta::assert_snapshot!(refused(&Sandbox::new().run(["exec", "--run", "x", "web", "--", "true"])), @r"
    error: there is no run x
    help: `shakedown status` lists those that are going on
    2
    ");
    let said = refused(&Sandbox::new().run(["exec", "web"]));
    assert!(said.contains("<COMMAND>") && said.ends_with('2'), "{said}");
}

#[test]
fn a_command_sees_the_network_of_the_service() {
    if skip_unless_root() {
        return;
    }
    let running = Running::start("{ address: 10.213.77.1 }");
    let seen = running.exec(&["web", "--", "ip", "-o", "-4", "address", "show", "eth0"]);
    assert!(seen.stdout.contains("inet 10.213.77.1/24 "), "{seen}");
    let here = std::fs::read_link("/proc/self/ns/net").unwrap();
    let inside = running.exec(&["web", "--", "readlink", "/proc/self/ns/net"]);
    assert_ne!(inside.stdout.trim(), here.to_string_lossy());
    let code = running.exec(&["web", "--", "sh", "-c", "echo $SHAKEDOWN_SERVICE >&2; exit 7"]);
    assert_eq!((code.code, code.stderr.as_str()), (Some(7), "web\n"));
    let killed = running.exec(&["web", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(killed.code, None, "the signal is passed on too");
    insta::assert_snapshot!(refused(&running.exec(&["wob", "--", "true"])), @r"
    error: the run [run] has no service `wob`
    help: did you mean `web`?
    2
    ");
    insta::assert_snapshot!(refused(&running.exec(&["web", "--", "no-such-program"])), @r"
    error: cannot run `no-such-program`: No such file or directory (os error 2)
    4
    ");
}

#[test]
fn a_service_on_the_hosts_network_is_entered_without_root() {
    let running = Running::start("host");
    let here = std::fs::read_link("/proc/self/ns/net").unwrap();
    let inside = running.exec(&["web", "--", "readlink", "/proc/self/ns/net"]);
    assert_eq!((inside.code, inside.stdout.trim()), (Some(0), &*here.to_string_lossy()));
}

#[test]
fn a_run_that_has_ended_is_not_entered() {
    let running = Running::start("host");
    let run = running.exec(&["web", "--", "sh", "-c", "echo $SHAKEDOWN_RUN"]);
    let folder = std::fs::read_dir(running.sandbox.state().join("runs")).unwrap();
    let id = folder.flatten().next().unwrap().file_name().into_string().unwrap();
    assert_eq!(run.stdout, "[run]\n");
    let named = running.exec(&["--run", &id, "web", "--", "true"]);
    assert_eq!(named.code, Some(0), "{named}");
    let offered = completed(&running.sandbox);
    assert_eq!(offered, ["web"]);
    assert!(running.sandbox.run(["rollback", &id]).code == Some(0));
    insta::assert_snapshot!(refused(&running.exec(&["--run", &id, "web", "--", "true"])), @r"
    error: the run [run] has ended
    4
    ");
    assert_eq!(completed(&running.sandbox), [""; 0]);
}

/// What bash would offer for the service.
fn completed(sandbox: &Sandbox) -> Vec<String> {
    super::completion::offered(sandbox, &["exec", "we"])
}
