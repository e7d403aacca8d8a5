//! Commands that show something.

use serde_json::Value;

use crate::support::Sandbox;

fn json(sandbox: &Sandbox, args: &[&str]) -> Value {
    let output = sandbox.run(args);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[test]
fn faults_are_listed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["faults"]), @r"
    exit code: 0
    --- stdout
     FAULT                CLASS  WHAT IT DOES
     process-kill         X      Sends a signal that ends the process. Class X: not undone, a service
                                 comes back by its restart policy.
     process-pause        G/K    Stops all threads of the process, as a long garbage collection or a
                                 frozen machine would. A process that was stopped before stays stopped
                                 after.
     process-restart      G      Stops a service of this experiment and starts it again.
     cpu-stress           K      Burns processor time in the target's own control group, under its
                                 quota and on its processors.
     disk-fill            K      Takes free space of the file system that holds a path.
     network-partition    G/K    Cuts a target off from its peers.
     network-latency      G/K    Delays packets.
     network-loss         G/K    Drops packets at random, or every n-th, or in bursts.
     network-duplication  G/K    Sends packets twice.
     network-corruption   G/K    Changes a bit of packets.
     network-reordering   G/K    Lets packets overtake others.
     network-rate         G/K    Lets less data pass in a second.
     connection-reset     X/K    Cuts TCP connections, and refuses new ones if asked. Class X: whoever
                                 lost a connection opens it again; class K while new ones are refused.
     dns-failure          K      Answers questions for names falsely, late or not at all; all others
                                 reach their name server.
     http-fault           K      Delays, aborts, answers, changes, truncates or corrupts HTTP requests
                                 and their answers, by a proxy that nobody has to be told of.
     tcp-proxy            K      Leads TCP connections through a proxy that delays, slows, slices,
                                 holds, cuts or resets them.

    Classes, by what has to live for the undo to happen: K nothing, the kernel does it · G the agent, or
    the controller, or the next command · J the next command · X irreversible (see docs/safety.md)
    One explained, with its parameters: shakedown faults FAULT
    --- stderr
    ");
    assert_eq!(json(&sandbox, &["faults", "--format", "json"]).as_array().unwrap().len(), 16);
    let one = json(&sandbox, &["faults", "disk-fill", "--format", "json"]);
    assert_eq!(one["name"], "disk-fill");
}

#[test]
fn one_fault_is_explained() {
    insta::assert_snapshot!(Sandbox::new().run(["faults", "network-latency"]), @r"
    exit code: 0
    --- stdout
    network-latency
      Delays packets.
      class: G (guarded) or K (kernel-held)

    engines, the first that works here is taken
      netem (class G): in the kernel; its timers are late by about 0.1 ms
      queue (class K): in the agent; delays are late by 0.3 ms at most in the median at 1,000 packets/s; carries up to 60,000 packets/s

    parameters
      correlation: a share from `0%` to `100%` (default: 0%)
          How much each delay depends on the one before.
      delay: a duration with its unit, such as `250ms` or `1m30s` (required)
          How long each packet waits.
      direction: `from`, `to`, `both` (optional)
          Which way, seen from the target: what it sends by default.
      distribution: `uniform`, `normal`, `pareto`, `paretonormal` (default: uniform)
          How the variation is distributed.
      engine: `netem`, `queue`, `nft`, `tbf`, `iptables` (optional)
          What does it; by default the best that this kernel has, found by trying.
      except: a list; each with the fields of `peers` (optional)
          Packets left alone although they match: those that one of these entries describes.
      interfaces: a list; each text (optional)
          Only on these interfaces; by default on every one but `lo`.
      jitter: a duration with its unit, such as `250ms` or `1m30s` (default: 0s)
          How far the delay varies.
      peers.addresses: a list; each an address or network, such as `10.0.0.0/8` (optional)
          Addresses and networks, IPv4 and IPv6.
      peers.hosts: a list; each text (optional)
          Host names, resolved where the target lives, all their addresses, followed while the fault lasts.
      peers.local-ports: a list; each a port or a range such as `8000-8080` (optional)
          TCP and UDP ports of the target.
      peers.ports: a list; each a port or a range such as `8000-8080` (optional)
          TCP and UDP ports of the peer, or of the target for what it serves.
      peers.protocols: a list; each `tcp`, `udp`, `icmp`, `sctp` (optional)
          Protocols.
      peers.remote-ports: a list; each a port or a range such as `8000-8080` (optional)
          TCP and UDP ports of the peer.
      peers.services: a list; each text (optional)
          Services of this experiment with a network of their own.
      reorder: `true` or `false` (default: false)
          Whether a packet with a short delay may overtake one with a long delay.

    example
      - name: slow
        target: { service: payment }
        fault: { network-latency: { delay: 250ms, jitter: 50ms } }
        for: 30s
    --- stderr
    ");
}

#[test]
fn schemas_are_printed() {
    let sandbox = Sandbox::new();
    for (document, title) in
        [("experiment", "A shakedown experiment"), ("report", "shakedown report")]
    {
        let schema = json(&sandbox, &["schema", document]);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], title);
        jsonschema::draft202012::new(&schema).unwrap();
    }
    let head: Vec<String> =
        sandbox.run(["schema"]).stdout.lines().take(6).map(str::to_owned).collect();
    insta::assert_snapshot!(head.join("\n"), @r#"
    {
      "$defs": {
        "Abort": {
          "additionalProperties": false,
          "description": "Ends the run when the condition has been true for a while.",
          "properties": {
    "#);
}

#[test]
fn a_new_experiment_validates_as_it_is() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["init"]), @r"
    exit code: 0
    --- stdout
    --- stderr
    wrote experiment.yaml; next: `shakedown validate experiment.yaml`
    ");
    insta::assert_snapshot!(sandbox.run(["validate", "experiment.yaml"]), @r"
    exit code: 0
    --- stdout
    experiment.yaml: ok: Customers do not notice when one worker hangs
    --- stderr
    ");
    insta::assert_snapshot!(sandbox.run(["init"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: experiment.yaml is there already
    help: name another file, or overwrite it with --force
    ");
    assert_eq!(sandbox.run(["init", "--force", "--process", "gunicorn"]).code, Some(0));
    assert!(std::fs::read_to_string(sandbox.path("experiment.yaml")).unwrap().contains("gunicorn"));
    let printed = sandbox.run(["init", "-", "--url", "http://[::1]:9/\"x"]);
    let sandbox = sandbox.file("printed.yaml", &printed.stdout);
    assert_eq!(sandbox.run(["validate", "printed.yaml"]).code, Some(0));
}

#[test]
fn a_plan_of_the_quickstart() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/quickstart.yaml");
    let plan = Sandbox::new().run(["plan", file, "--seed", "1"]);
    // The columns are as wide as the path of the program.
    insta::assert_snapshot!(plan.redact(" {2,}", "  "), @r"
    exit code: 0
    --- stdout
    The shop sells on while one replica is dead or hangs
      hypothesis  customers can buy, and do not wait
      seed  1
      plan  [hash]
      takes at most  1m34s

    Services
     NAME  COMMAND  ADDRESS
     replica-1  [shakedown] demo replica --listen 127.0.0.1:18401  the host's
     replica-2  [shakedown] demo replica --listen 127.0.0.1:18402  the host's
     replica-3  [shakedown] demo replica --listen 127.0.0.1:18403  the host's
     shop  [shakedown] demo shop --listen 127.0.0.1:18400 --replica 127.0.0.1:18401 127.0.0.1:18402 127.0.0.1:18403  the host's

    Method
      0  kill-a-replica
      process-kill at once
      on  service replica-2
      undo  none; the service comes back if its restart policy says so
      class  X irreversible
      wait 3s
      1  hang-a-replica
      process-pause for 3s
      on  service replica-3
      undo  let go of the trace, or thawed where tracing is not permitted
      class  K kernel-held

    Blast radius
      targets  2: service replica-2, service replica-3
      bystanders  none
      shared  none
      file systems  none
      listening  none
      connections  none
    --- stderr
    ");
}

#[test]
fn nothing_is_going_on() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["status"]), @r"
    exit code: 0
    --- stdout
    no run is going on, and nothing is left behind
    --- stderr
    ");
    assert_eq!(json(&sandbox, &["status", "--all", "--format", "json"]), serde_json::json!([]));
    insta::assert_snapshot!(sandbox.run(["rollback", "--all"]), @r"
    exit code: 0
    --- stdout
    no run is going on, and nothing is left behind
    --- stderr
    ");
    insta::assert_snapshot!(sandbox.run(["report"]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no run to report
    ");
}

#[test]
fn targets_are_shown_and_the_others_explained() {
    let sandbox = Sandbox::new();
    let mut sleeper = std::process::Command::new("sleep").arg("86397.25").spawn().unwrap();
    let pid = sleeper.id().to_string();
    let shown = sandbox.run(["targets", "--name", "sleep", "--token", "86397.25"]);
    let found = json(&sandbox, &["targets", "--pid", &pid, "--format", "json"]);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let user = found[0]["processes"][0]["user"].as_str().unwrap().to_owned();
    let shown = shown.redact(&format!(r"\b{pid}\b"), "[pid]").redact(&user, "[user]");
    let shown = shown.redact(" {2,}", "  ");
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    --- stdout
     PID  USER  NAME  COMMAND
     [pid]  [user]  sleep  sleep 86397.25  matches
    --- stderr
    ");
    assert_eq!(found[0]["processes"][0]["pid"].to_string(), pid);
    assert_eq!(found[0]["processes"][0]["command"][1], "86397.25");
    let own = sandbox.run(["targets", "--pid", "1"]).redact(r"\b\S+ \(pid 1\)", "init (pid 1)");
    insta::assert_snapshot!(own, @r"
    exit code: 4
    --- stdout
    --- stderr
    error: init (pid 1) is PID 1; it is never a target
    ");
}

#[test]
fn the_targets_of_a_file_are_shown_step_by_step() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/quickstart.yaml");
    insta::assert_snapshot!(Sandbox::new().run(["targets", file]), @r"
    exit code: 0
    --- stdout
    kill-a-replica:
    services of the experiment, not running yet: replica-1, replica-2, replica-3
    hang-a-replica:
    services of the experiment, not running yet: replica-1, replica-2, replica-3
    --- stderr
    ");
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["init", "--process", "no-such-process"]).code, Some(0));
    insta::assert_snapshot!(sandbox.run(["targets", "experiment.yaml"]), @r"
    exit code: 4
    --- stdout
    hanging-worker:
    --- stderr
    error: no process matches `{ name: no-such-process }`
    ");
    let missed = json(&sandbox, &["targets", "experiment.yaml", "--format", "json"]);
    assert!(missed[0]["problem"].as_str().unwrap().contains("no-such-process"), "{missed}");
}

#[test]
fn the_doctor_tries_everything_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(["doctor", "--format", "json"]);
    let checks: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    // This one is needed, and so shown, only where nf_tables lacks something.
    let names = checks.iter().map(|check| check["name"].as_str().unwrap());
    let names: Vec<&str> = names.filter(|name| *name != "engine iptables").collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    kernel
    user
    CAP_KILL
    CAP_SYS_PTRACE
    CAP_SYS_ADMIN
    CAP_NET_ADMIN
    CAP_DAC_OVERRIDE
    clock
    systemd
    clone3, pidfd
    ptrace
    ptrace scope
    control group of our own
    freezer
    cgroup.kill
    network namespaces
    engine netem
    engine queue
    engine nft
    engine tbf
    journal
    journal's file system
    unnamed files (O_TMPFILE)
    journal's copy
    ");
    for check in &checks {
        let state = check["state"].as_str().unwrap();
        assert!(["ok", "gap", "missing"].contains(&state), "{check}");
        assert_eq!(check["remedy"].is_string(), state != "ok", "{check}");
        for field in ["found", "means"] {
            assert!(!check[field].as_str().unwrap().is_empty(), "{check}");
        }
    }
    let missing = checks.iter().any(|check| check["state"] == "missing");
    assert_eq!(output.code, Some(if missing { 4 } else { 0 }), "{output}");
    assert!(!sandbox.state().exists());
}

#[test]
fn a_folder_that_others_can_write_to_is_no_place_for_a_journal() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new().file("state/x", "");
    std::fs::set_permissions(sandbox.state(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = sandbox.run(["doctor"]);
    assert_eq!(output.code, Some(4), "{output}");
    assert!(output.stderr.contains("only this user can write to"), "{output}");
    assert!(output.stdout.contains("No experiment can run here"), "{output}");
}
