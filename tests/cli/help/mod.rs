//! Help, for every command.

mod experiments;
mod host;

use clap::Command;

use crate::support::Sandbox;

/// The program's commands that are shown, built.
fn shown() -> Vec<Command> {
    let mut program = shakedown::cli::command();
    program.build();
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    program.get_subcommands().filter(shown).cloned().collect()
}

#[test]
fn every_command_has_an_example_and_says_what_it_does() {
    for mut command in shown() {
        let name = command.get_name().to_owned();
        let help = command.render_long_help().to_string();
        let example = format!("shakedown {name}");
        let after = help.split_once("Example").map(|(_, after)| after);
        assert!(after.is_some_and(|after| after.contains(&example)), "{name} has no example");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
        }
        assert!(command.get_about().is_some(), "{name} does not say what it does");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let sandbox = Sandbox::new();
    for command in shown() {
        let page = shakedown::cli::page(command.clone()).unwrap();
        assert!(page.contains("Example") && page.contains(".SH NAME"), "{page}");
        let printed = sandbox.run(["man", command.get_name()]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
        assert!(printed.stdout.contains(".SH SYNOPSIS"), "{printed}");
    }
    let whole = sandbox.run(["man"]).stdout;
    assert!(whole.contains("Exit codes") && whole.contains(".TH shakedown 1"), "{whole}");
}

#[test]
fn the_program_s_help() {
    insta::assert_snapshot!(Sandbox::new().run(["--help"]), @r"
    exit code: 0
    --- stdout
    Chaos engineering from a terminal or a pipeline: inject faults, measure the steady state, undo
    everything, return a verdict

    Usage: shakedown <COMMAND>

    Commands:
      run          Run experiments: measure, inject, undo, judge
      validate     Check experiment files without touching anything
      plan         Show what a run would do: targets, acts, undos, blast radius
      inject       Inject one fault, without a file, and undo it
      init         Write an experiment to begin with
      targets      Show what a selector matches now, and why not the others
      faults       Show which faults there are, or explain one
      doctor       Show what this host lets you do, and how to mend what it does not
      status       Show runs that are going on, and what is left of those that died
      exec         Run a command in the network of a service that runs
      rollback     Undo what a run has done, and end it if it is going on
      report       Report a run again, in any format
      schema       Print the JSON Schema of experiments or of reports
      completions  Print a completion script for a shell
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples: shakedown run experiments/quickstart.yaml
              shakedown init checkout.yaml && shakedown plan checkout.yaml
              shakedown inject process-pause --name nginx --for 5s

    Exit codes: 0 held · 1 deviated (a weakness was found) · 2 usage · 3 unsteady before ·
                4 not injected · 5 aborted · 6 residue (call someone) · 7 inconclusive
    --- stderr
    ");
}

/// What `--help` prints for a command, without the blanks at the ends of its lines.
fn help(command: &str) -> String {
    let help = Sandbox::new().run([command, "--help"]).stdout;
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
