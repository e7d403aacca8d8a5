//! The help of what makes, checks and runs experiments.

use super::help;

#[test]
fn of_running() {
    insta::assert_snapshot!(help("run"), @r"
    Run experiments: measure, inject, undo, judge.

    One after another; all files are checked before the first is begun. A run that is aborted, or leaves
    something behind, is the last. The exit code is that of the worst.

    Usage: shakedown run [OPTIONS] <FILE>...

    Arguments:
      <FILE>...
              The experiment files; `-` for standard input

    Options:
          --var <NAME=VALUE>
              Give a variable of the file a value; may be repeated

          --environment <NAME>
              Where this is: must equal the `environment:` of the file; by default as the configuration
              file says

              [env: SHAKEDOWN_ENVIRONMENT=]

          --seed <NUMBER>
              The seed of every choice; by default a new one, which is printed

          --dry-run
              Show the plan and end

          --report <FORMAT=PATH>
              Also write reports to files: FORMAT=PATH, with commas between or repeated

          --format <FORMAT>
              How to print the result: human, json or junit

              [default: human]

          --yes
              Do not ask before processes are touched that are not services of the experiment

          --heartbeat <DURATION>
              The agent undoes everything when it hears nothing for this long

              [default: 5s]

      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown run experiments/quickstart.yaml
              shakedown run checkout.yaml --var base=http://127.0.0.1:8080 --seed 7
              shakedown run checkout.yaml --yes --report junit=out.xml,json=out.json
    ");
    insta::assert_snapshot!(help("validate"), @r"
    Check experiment files without touching anything.

    Checks the form, the units, the names and how they fit together. Reads the files and what their
    variables name.

    Usage: shakedown validate [OPTIONS] <FILE>...

    Arguments:
      <FILE>...
              The experiment files; `-` for standard input

    Options:
          --var <NAME=VALUE>
              Give a variable of the file a value; may be repeated

          --environment <NAME>
              Where this is: must equal the `environment:` of the file; by default as the configuration
              file says

              [env: SHAKEDOWN_ENVIRONMENT=]

          --seed <NUMBER>
              The seed of every choice; by default a new one, which is printed

      -h, --help
              Print help (see a summary with '-h')

    Example: shakedown validate experiments/*.yaml
    ");
    insta::assert_snapshot!(help("plan"), @r"
    Show what a run would do: targets, acts, undos, blast radius.

    On this host as it is now: which targets, which acts, how each is undone and how surely, and who
    else would feel it. Nothing is touched.

    Usage: shakedown plan [OPTIONS] <FILE>...

    Arguments:
      <FILE>...
              The experiment files; `-` for standard input

    Options:
          --var <NAME=VALUE>
              Give a variable of the file a value; may be repeated

          --environment <NAME>
              Where this is: must equal the `environment:` of the file; by default as the configuration
              file says

              [env: SHAKEDOWN_ENVIRONMENT=]

          --seed <NUMBER>
              The seed of every choice; by default a new one, which is printed

          --format <FORMAT>
              How to print it

              Possible values:
              - human: For people
              - json:  For programs

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Example: shakedown plan experiments/quickstart.yaml
    ");
}

#[test]
fn of_injecting() {
    insta::assert_snapshot!(help("inject"), @r"
    Inject one fault, without a file, and undo it.

    The fault proves that it took effect. It is undone when its time is up, on Ctrl-C, and whatever else
    happens.

    Usage: shakedown inject [OPTIONS] <FAULT> [NAME=VALUE]...

    Arguments:
      <FAULT>
              The fault

      [NAME=VALUE]...
              Parameters of the fault

    Options:
          --pick <PICK>
              How many of what matches: one, all, a number or a share

              [default: one]

          --for <DURATION>
              How long it stays

          --allow <ALLOW>
              What is refused unless it is named: host, root-fs, journal-fs, memory-fs, control-path,
              long-duration

          --seed <SEED>
              The seed of every choice

          --format <FORMAT>
              How to print the result: human, json or junit

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Selecting processes (all that is given must match):
          --pid <PID>
              The process id

          --name <NAME>
              The exact name, as `ps -o comm` prints it

          --exe <PATH>
              The exact path of the executable

          --token <WORD>
              A word that equals one argument of the command line

          --user <USER>
              The user it runs as, by name or number

          --port <PORT>
              A port it listens on

          --cgroup <PATH>
              Its control group: the exact path, as in /proc/PID/cgroup

          --unit <UNIT>
              Its systemd unit, such as nginx.service

          --parent <PID>
              The process id of its parent

    Examples: shakedown inject process-pause --pid 4711 --for 5s
              shakedown inject cpu-stress --name nginx --pick all --for 30s load=80% cores=2
              shakedown inject process-kill --port 8080 signal=TERM
    The parameters of each fault: shakedown faults FAULT
    ");
}

#[test]
fn of_looking_for_targets() {
    insta::assert_snapshot!(help("targets"), @r"
    Show what a selector matches now, and why not the others.

    For a file, each step of its method. Touches nothing. Exit code 4 when something matches nothing.

    Usage: shakedown targets [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The experiment file; `-` for standard input

    Options:
          --var <NAME=VALUE>
              Give a variable of the file a value; may be repeated

          --environment <NAME>
              Where this is: must equal the `environment:` of the file; by default as the configuration
              file says

              [env: SHAKEDOWN_ENVIRONMENT=]

          --seed <NUMBER>
              The seed of every choice; by default a new one, which is printed

          --format <FORMAT>
              How to print it

              Possible values:
              - human: For people
              - json:  For programs

              [default: human]

      -h, --help
              Print help (see a summary with '-h')

    Selecting processes (all that is given must match):
          --pid <PID>
              The process id

          --name <NAME>
              The exact name, as `ps -o comm` prints it

          --exe <PATH>
              The exact path of the executable

          --token <WORD>
              A word that equals one argument of the command line

          --user <USER>
              The user it runs as, by name or number

          --port <PORT>
              A port it listens on

          --cgroup <PATH>
              Its control group: the exact path, as in /proc/PID/cgroup

          --unit <UNIT>
              Its systemd unit, such as nginx.service

          --parent <PID>
              The process id of its parent

    Examples: shakedown targets --name redis-server --user redis
              shakedown targets experiments/redis-sentinel-failover.yaml
    ");
}

#[test]
fn of_beginning() {
    insta::assert_snapshot!(help("init"), @r"
    Write an experiment to begin with.

    It has comments that explain it and validates as it is; adapt it to your system.

    Usage: shakedown init [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The file to write; `-` for standard output

              [default: experiment.yaml]

    Options:
          --url <URL>
              What is asked to see whether the system is well

              [default: http://127.0.0.1:8080/]

          --process <NAME>
              The name of the processes, one of which is to hang

              [default: nginx]

          --force
              Overwrite a file that is there

      -h, --help
              Print help (see a summary with '-h')

    Examples: shakedown init checkout.yaml --url http://127.0.0.1:8080/checkout --process gunicorn
              shakedown init - | less
    ");
}
