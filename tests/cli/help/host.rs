//! The help of what is about the host, past runs and the program itself.

use super::help;

#[test]
fn of_what_can_be_done() {
    insta::assert_snapshot!(help("faults"), @r"
    Show which faults there are, or explain one.

    One is explained with its parameters, how its undo is guaranteed, and an example.

    Usage: shakedown faults [OPTIONS] [FAULT]

    Arguments:
      [FAULT]
              The fault to explain; by default all are listed

    Options:
          --format <FORMAT>
              How to print it

              Possible values:
              - human: For people
              - json:  For programs

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Example: shakedown faults network-latency
    ");
    insta::assert_snapshot!(help("doctor"), @r#"
    Show what this host lets you do, and how to mend what it does not.

    Found out by trying, on children, groups, files and networks of its own. Each gap is shown with the
    faults it affects, what happens instead, and how to mend it. Exit code 4 if something is missing
    that every run needs.

    Usage: shakedown doctor [OPTIONS]

    Options:
          --format <FORMAT>
              How to print it

              Possible values:
              - human: For people
              - json:  For programs

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown doctor
              sudo shakedown doctor --format json | jq '.[] | select(.state != "ok")'
    "#);
}

#[test]
fn of_a_look_around() {
    insta::assert_snapshot!(help("exec"), @r"
    Run a command in the network of a service that runs.

    To look around inside: addresses, routes, connections, what answers and what does not. The command
    has your files, your user and your terminal; only the network is the service's. The exit code is the
    command's; 2 and 4 may also be this program's own.

    Usage: shakedown exec [OPTIONS] <SERVICE> -- <COMMAND>...

    Arguments:
      <SERVICE>
              The service

      <COMMAND>...
              The command and its arguments

    Options:
          --run <RUN>
              The run; by default the one that began last of those that are going on

      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown exec db -- ip address
              shakedown exec db -- curl -s http://198.18.0.3:8080/health
              shakedown exec --run [run] db -- bash
    ");
}

#[test]
fn of_past_runs() {
    insta::assert_snapshot!(help("status"), @r"
    Show runs that are going on, and what is left of those that died.

    With the faults they have in effect, and how each would be undone by hand. What dead runs left is
    undone first.

    Usage: shakedown status [OPTIONS]

    Options:
          --all
              Also list runs that ended and left nothing

          --format <FORMAT>
              How to print it

              Possible values:
              - human: For people
              - json:  For programs

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Example: shakedown status --format json
    ");
    insta::assert_snapshot!(help("rollback"), @r"
    Undo what a run has done, and end it if it is going on.

    A run that is going on is told to undo everything and end; what a dead run left is undone from its
    journal. Twice is the same as once.

    Usage: shakedown rollback [OPTIONS] [RUN]

    Arguments:
      [RUN]
              The run

    Options:
          --all
              Every run of this user that is going on or left something

          --dry-run
              Only show what would be undone

      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown rollback [run]
              shakedown rollback --all
    ");
    insta::assert_snapshot!(help("report"), @r"
    Report a run again, in any format.

    From what it wrote down; also a run that was killed.

    Usage: shakedown report [OPTIONS] [RUN]

    Arguments:
      [RUN]
              The run; by default the last one

    Options:
          --format <FORMAT>
              How to print it: human, json or junit

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Example: shakedown report --format junit > shakedown.xml
    ");
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!(help("schema"), @r"
    Print the JSON Schema of experiments or of reports.

    Draft 2020-12, for editors and for other programs.

    Usage: shakedown schema [OF]

    Arguments:
      [OF]
              Of what

              Possible values:
              - experiment: An experiment file, as JSON
              - report:     The report of `--format json`

              [default: experiment]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown schema > experiment.schema.json
              shakedown schema report
    An editor uses it where a file begins with: # yaml-language-server: $schema=experiment.schema.json
    ");
    insta::assert_snapshot!(help("completions"), @r"
    Print a completion script for a shell.

    It completes commands, flags, faults, runs, processes and files. It asks the program itself, so it
    never falls behind it.

    Usage: shakedown completions <SHELL>

    Arguments:
      <SHELL>
              The shell

              [possible values: bash, zsh, fish, elvish, powershell]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown completions bash > ~/.local/share/bash-completion/completions/shakedown
              shakedown completions zsh > ~/.zfunc/_shakedown
              shakedown completions fish > ~/.config/fish/completions/shakedown.fish
    ");
    insta::assert_snapshot!(help("man"), @r"
    Print the manual page.

    In roff; that of one command if one is named.

    Usage: shakedown man [COMMAND]

    Arguments:
      [COMMAND]
              The command; by default the program as a whole

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown man run | man -l -
              shakedown man > /usr/local/share/man/man1/shakedown.1
    ");
}
