//! What a user is told who got something wrong.

use crate::support::Sandbox;

#[test]
fn mistakes_about_commands_and_faults() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["valdate"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'valdate'

      tip: a similar subcommand exists: 'validate'

    Usage: shakedown <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sandbox.run(["faults", "netwrk-latency"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no fault `netwrk-latency`
    help: did you mean `network-latency`?
    ");
    insta::assert_snapshot!(sandbox.run(["inject", "process-puase", "--pid", "1"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no fault `process-puase`
    help: did you mean `process-pause`?
    ");
    insta::assert_snapshot!(sandbox.run(["inject", "process-pause", "--for", "1s"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: no process is named
    help: give at least one of --pid, --name, --exe, --token, --user, --port, --cgroup, --unit, --parent; `shakedown targets` shows what they match
    ");
    insta::assert_snapshot!(sandbox.run(["inject", "cpu-stress", "--pid", "2", "load"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: `load` is no NAME=VALUE
    ");
    insta::assert_snapshot!(sandbox.run(["inject", "cpu-stress", "--pid", "2", "laod=1%"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: unknown field `laod`, expected `cores` or `load`
    help: `shakedown faults cpu-stress` shows its parameters
    ");
    assert!(!sandbox.state().exists(), "no state is kept for a command that did nothing");
}

#[test]
fn what_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["targets"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: no process is named
    help: give at least one of --pid, --name, --exe, --token, --user, --port, --cgroup, --unit, --parent; `shakedown targets` shows what they match
    ");
    insta::assert_snapshot!(sandbox.run(["targets", "e.yaml", "--pid", "2"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: give a file or a selector, not both
    ");
    insta::assert_snapshot!(sandbox.run(["run", "e.yaml", "--report", "out.xml"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: invalid value 'out.xml' for '--report <FORMAT=PATH>': write it as FORMAT=PATH, such as junit=out.xml

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sandbox.run(["man", "plna"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no command `plna`
    help: did you mean `plan`?
    ");
    insta::assert_snapshot!(sandbox.run(["report", "20990101-000000-aaaa"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no run [run]
    help: `shakedown status --all` lists them
    ");
    insta::assert_snapshot!(sandbox.run(["rollback", "20990101-000000-aaaa"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no run [run]
    help: `shakedown status --all` lists them
    ");
    assert!(!sandbox.state().exists(), "no state is kept for a command that did nothing");
}

const EXPERIMENT: &str = "\
version: 1
title: it is up
variables: { port: { default: 1 } }
hypothesis:
  title: it is up
  probes: [{ name: up, tcp: { address: \"127.0.0.1:${port}\" }, tolernace: { success: { at-least: 1% } } }]
method: [{ wait: 1s }]
";

#[test]
fn mistakes_in_a_file() {
    let sandbox = Sandbox::new().file("typo.yaml", EXPERIMENT);
    insta::assert_snapshot!(sandbox.run(["validate", "typo.yaml"]), @r#"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no field `tolernace` here
     --> typo.yaml:6:63
      |
    6 |   probes: [{ name: up, tcp: { address: "127.0.0.1:${port}" }, tolernace: { success: { at-least: 1% } } }]
      |                                                               ^^^^^^^^^
      |
      = at: hypothesis.probes[0].tolernace
      = help: did you mean `tolerance`?
    "#);
    insta::assert_snapshot!(sandbox.run(["plan", "missing.yaml"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: cannot read missing.yaml: No such file or directory (os error 2)
    ");
    let right = EXPERIMENT.replace("tolernace", "tolerance");
    let sandbox = sandbox.file("right.yaml", &right);
    insta::assert_snapshot!(sandbox.run(["plan", "right.yaml", "--var", "prot=2"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: `--var prot=…` sets a variable that the file does not declare
     |
     = note: in right.yaml
     = help: did you mean `port`?
    ");
}

#[test]
fn what_a_file_is_called_does_not_steer_the_terminal() {
    let sandbox = Sandbox::new().file("\u{1b}[2Jred.yaml", "version: 1\n\u{1b}[2J: 1\n");
    let output = sandbox.run(["validate", "\u{1b}[2Jred.yaml", "\u{1b}[2Jgone.yaml"]);
    assert!(!output.stderr.contains('\u{1b}'), "{output}");
    insta::assert_snapshot!(output, @r"
    exit code: 2
    --- stdout
    --- stderr
    error: this is no YAML: control characters are not allowed
     --> \u{1b}[2Jred.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
    error: cannot read \u{1b}[2Jgone.yaml: No such file or directory (os error 2)
    error: 2 of 2 files cannot be used
    ");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let sandbox = Sandbox::new().file("typo.yaml", EXPERIMENT);
    let forced = |name: &str, args: &[&str]| {
        let mut command = sandbox.command(args);
        let output = command.env(name, "1").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(forced("CLICOLOR_FORCE", &["validate", "typo.yaml"]).contains("\u{1b}["));
    assert!(forced("CLICOLOR_FORCE", &["faults", "x"]).contains("\u{1b}["));
    assert!(!forced("NO_COLOR", &["validate", "typo.yaml"]).contains('\u{1b}'));
}
