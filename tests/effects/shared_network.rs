//! Network faults where the host's network is shared: a thread of the test plays the host, in a
//! namespace of its own, with a cable to the rest of the world.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::actor::actor;
use super::injection::{Injection, inject};
use super::lan::{Flow, Lan, apart, connects, run};
use super::oracle::{descendants, eventually, groups, lives};
use super::target::Target;
use crate::support::{Sandbox, skip, skip_unless_root};

/// Whether this kernel cannot tell packets by control group. Says so.
fn skip_without_groups() -> bool {
    if skip_unless_root() {
        return true;
    }
    let Ok(found) = shakedown::sys::net::nft::supported() else { return false };
    let unified = std::fs::read_to_string("/proc/self/cgroup").is_ok_and(|it| it.contains("0::"));
    if found.missing().is_some() || !found.cgroup.is_supported() || !unified {
        skip("this kernel cannot tell packets by control group");
        return true;
    }
    false
}

/// Whether this kernel has no packet queue. Says so.
fn skip_without_queue() -> bool {
    use shakedown::sys::net::{Support, queue};
    match queue::supported() {
        Ok(Support::Supported) => false,
        missing => {
            skip(&format!("this kernel has no packet queue: {missing:?}"));
            true
        }
    }
}

/// A process of this host that asks others when it is told to: a shell, and curl.
struct Asker {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Asker {
    /// With a line of shell to begin with.
    fn beginning(line: &str) -> Self {
        let script = format!(
            "{line}\necho ready\nwhile read url; do curl -g -s -m 0.4 -o /dev/null $url; echo $?; done"
        );
        let mut command = Command::new("bash");
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("bash is installed");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut asker = Self { child, answers };
        assert_eq!(asker.answer(), "ready");
        asker
    }

    fn new() -> Self {
        Self::beginning("")
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn groups(&self) -> String {
        groups(self.child.id().cast_signed())
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }

    /// Whether it reaches an echo server there: 28 is curl's time-out, 7 a refusal.
    fn reaches(&mut self, place: &str) -> bool {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "http://{place}/").expect("it listens");
        !["28", "7"].contains(&self.answer().as_str())
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn of_a_shared_network_one_process_is_cut_off_and_nobody_else() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let (mut target, mut other) = (Asker::new(), Asker::new());
        let (group, rules) = (target.groups(), run("nft list ruleset"));
        for address in ["198.51.1.2:7", "[fd00:1::2]:7"] {
            eventually("it is reached", || target.reaches(address) && other.reaches(address));
        }
        let pid = target.pid();
        let mut cut = Injection::start(&["network-partition", "--pid", &pid]);
        assert_ne!(target.groups(), group, "it has a group of its own");
        for address in ["198.51.1.2:7", "[fd00:1::2]:7"] {
            assert!(!target.reaches(address) && other.reaches(address), "{address}");
        }
        flow.passes();
        cut.await_proof();
        let proofs = cut.stop().proofs();
        assert!(proofs[0].contains("dropped"), "{proofs:?}");
        assert_eq!((target.groups(), run("nft list ruleset")), (group, rules));
        assert!(target.reaches("198.51.1.2:7"));
        drop(lan);
    });
}

#[test]
fn one_direction_and_one_peer_of_one_process() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(2);
        let mut target = Asker::new();
        for direction in ["from", "to"] {
            let pid = target.pid();
            let direction = format!("direction={direction}");
            let peers = "peers={addresses: [198.51.1.0/24], ports: [7]}";
            let args = ["network-partition", "--pid", &pid, &direction, peers];
            let mut cut = Injection::start(&args);
            assert!(!target.reaches("198.51.1.2:7"), "{direction}");
            assert!(target.reaches("198.51.1.2:8") && target.reaches("198.51.2.2:7"));
            cut.await_proof();
            assert!(cut.stop().proofs()[0].contains("dropped"));
        }
    });
}

#[test]
fn new_connections_of_one_process_are_refused() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(1);
        let (mut target, mut other) = (Asker::new(), Asker::new());
        let pid = target.pid();
        let args = ["network-partition", "--pid", &pid, "mode=reset"];
        let mut cut = Injection::start(&args);
        assert!(!target.reaches("198.51.1.2:7") && other.reaches("198.51.1.2:7"));
        cut.await_proof();
        assert!(cut.stop().proofs()[0].contains("refused"));
    });
}

/// The delay is longer than the target waits: what it asks comes back too late.
#[test]
fn packets_of_one_process_wait_and_nobody_elses() {
    if skip_without_groups() || skip_without_queue() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(1);
        let (mut target, mut other) = (Asker::new(), Asker::new());
        for direction in ["to", "from"] {
            let (pid, direction) = (target.pid(), format!("direction={direction}"));
            let args =
                ["network-latency", "--pid", &pid, "delay=600ms", "engine=queue", &direction];
            let mut delay = Injection::start(&args);
            assert!(!target.reaches("198.51.1.2:7") && other.reaches("198.51.1.2:7"));
            delay.await_proof();
            let proofs = delay.stop().proofs();
            assert!(proofs[0].contains("packets held for 6"), "{proofs:?}");
            assert!(target.reaches("198.51.1.2:7"));
        }
    });
}

#[test]
fn what_was_open_before_is_told() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(1);
        let mut target = Asker::beginning("exec 3<>/dev/tcp/198.51.1.2/7");
        let pid = target.pid();
        let mut cut = Injection::start(&["network-partition", "--pid", &pid]);
        assert!(!target.reaches("198.51.1.2:7"));
        cut.await_proof();
        let proofs = cut.stop().proofs();
        assert!(proofs[0].contains("1 connection from before is not covered"), "{proofs:?}");
    });
}

/// An experiment that measures nothing worth a word, unless it says what.
fn experiment(rest: &str) -> String {
    let idle = "hypothesis: { title: it runs, before: 100ms, after: 100ms, \
                probes: [{ name: idle, command: { run: [\"true\"] } }] }";
    let idle = if rest.contains("hypothesis:") { "" } else { idle };
    format!("version: 1\ntitle: the host's network\n{idle}\n{rest}")
}

/// A service has a group of its own from its start, so that all it ever opens is met.
#[test]
fn a_service_on_the_hosts_network_is_cut_off_on_lo() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(1);
        let text = experiment(
            r#"
services:
  db:
    command: [redis-server, --port, "7001", --save, ""]
    ready: { tcp: { address: "127.0.0.1:7001" } }
  other:
    command: [redis-server, --port, "7002", --save, ""]
    ready: { tcp: { address: "127.0.0.1:7002" } }
method:
  - { target: { service: db }, fault: { network-partition: { interfaces: [lo] } }, for: 40s }
"#,
        );
        let ask = |port: &str| {
            let mut command = Command::new("timeout");
            let answer = command.args(["0.4", "redis-cli", "-p", port, "PING"]).output();
            String::from_utf8_lossy(&answer.expect("redis-cli is installed").stdout).into_owned()
        };
        let mut cut = Injection::of_experiment(&text, " on service db");
        assert_eq!((ask("7001").trim(), ask("7002").trim()), ("", "PONG"));
        cut.await_proof();
        let proofs = cut.stop().proofs();
        assert!(proofs[0].ends_with("dropped"), "{proofs:?}");
    });
}

#[test]
fn the_whole_host_must_be_allowed() {
    apart(|| {
        let text = experiment(
            "method: [{ target: { host: true }, fault: network-partition, for: 1s }]
",
        );
        let output = Sandbox::new().file("e.yaml", &text).run(["run", "e.yaml", "--yes"]);
        assert_eq!(output.code, Some(4), "{output}");
        assert!(output.stderr.contains("write `allow: [host]` in blast-radius"), "{output}");
    });
}

/// Every way by which the host and this tool are kept must be open while everything else is cut.
#[test]
fn the_control_path_survives_a_host_that_is_cut_off() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        for address in ["198.51.1.3/24", "198.51.1.4/24", "198.51.1.5/24", "198.51.1.6/24"] {
            lan.inside(&format!("ip address add {address} dev eth1"));
        }
        lan.inside("ip address add 169.254.169.254/32 dev eth1");
        lan.inside("ip address add fd00:ec2::254/128 dev eth1 nodad");
        run("ip route add default via 198.51.1.3");
        run("ip -6 route add fd00:ec2::254/128 dev here1");
        let (mut session, mut asker) = (Flow::open("198.51.1.2:7"), Asker::new());
        let text = experiment(
            r#"
hypothesis:
  title: it is up
  before: 100ms
  after: 100ms
  probes: [{ name: up, tcp: { address: "198.51.1.6:7" } }]
blast-radius: { allow: [host] }
method: [{ target: { host: true }, fault: network-partition, for: 40s }]
"#,
        );
        let environment = [
            ("DOCKER_HOST", "tcp://198.51.1.4:7"),
            ("KUBERNETES_SERVICE_HOST", "198.51.1.5"),
            ("KUBERNETES_SERVICE_PORT", "7"),
            ("SSH_CONNECTION", "198.51.1.2 40123 198.51.1.1 8022"),
        ];
        let open = [
            "198.51.1.3:8",
            "198.51.1.4:7",
            "198.51.1.5:7",
            "198.51.1.6:7",
            "169.254.169.254:7",
            "[fd00:ec2::254]:7",
        ];
        let shut = ["198.51.1.2:7", "198.51.1.4:8", "198.51.1.5:8", "[fd00:1::2]:7"];
        for place in open.iter().chain(&shut) {
            assert!(asker.reaches(place), "{place}");
        }
        let mut cut = Injection::of_experiment_in(&text, " on this host", &environment);
        for place in open {
            assert!(asker.reaches(place), "{place} must stay open");
        }
        for place in shut {
            assert!(!asker.reaches(place), "{place} must be shut");
        }
        // The test is an ancestor, as the shell of an SSH session is.
        session.passes();
        assert!(!connects("198.51.1.2:7"));
        cut.await_proof();
        assert!(cut.stop().proofs()[0].ends_with("dropped"));
        eventually("all is open again", || asker.reaches("198.51.1.2:7"));
    });
}

/// An SSH session whose socket belongs to a process that is none of ours, as with a multiplexer.
#[test]
fn the_operators_session_is_told_by_its_variable() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let daemon = Target::acting(&mut actor("echo [::]:8022"));
        let dial = "exec 3<>/dev/tcp/198.51.1.1/8022; echo open; \
                    while read line; do echo $line >&3; read -t 2 answer <&3; echo \"$answer\"; done";
        let mut operator = Command::new("nsenter")
            .args([&format!("--net=/proc/{}/ns/net", lan.pid()), "bash", "-c", dial])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("nsenter is installed");
        let mut answers = BufReader::new(operator.stdout.take().expect("it is piped")).lines();
        let mut answer = move || answers.next().expect("a line").expect("it can be read");
        assert_eq!(answer(), "open");
        let listed = run("ss -Htn sport = 8022");
        let port = listed.split_whitespace().nth(4).expect("a peer");
        let port = port.rsplit_once(':').expect("a port").1.to_owned();
        let connection = format!("198.51.1.2 {port} 198.51.1.1 8022");
        let text = experiment(
            "blast-radius: { allow: [host] }
method: [{ target: { host: true }, fault: network-partition, for: 40s }]
",
        );
        let environment = [("SSH_CONNECTION", connection.as_str())];
        let mut cut = Injection::of_experiment_in(&text, " on this host", &environment);
        assert!(!connects("198.51.1.2:7"), "everything else is cut");
        let stdin = operator.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "still there").expect("it listens");
        assert_eq!(answer(), "still there");
        cut.await_proof();
        assert!(cut.stop().proofs()[0].ends_with("dropped"));
        let _ = operator.kill();
        let _ = operator.wait();
        drop(daemon);
    });
}

#[test]
fn netem_meets_whole_interfaces_and_is_refused() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let target = Asker::new();
        let pid = target.pid();
        let args = ["network-latency", "--pid", &pid, "delay=10ms", "engine=netem", "--for", "1s"];
        let output = inject(&args);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains("the target shares those of the host"), "{output}");
    });
}

/// The agent, its controller, or both: the packets pass again, and the process comes back.
#[test]
fn whoever_is_killed_the_process_comes_back() {
    if skip_without_groups() {
        return;
    }
    apart(|| {
        let _lan = Lan::new(1);
        let mut target = Asker::new();
        let (group, rules) = (target.groups(), run("nft list ruleset"));
        for (agent_dies, controller_dies) in [(true, false), (false, true), (true, true)] {
            let sandbox = Sandbox::new();
            let pid = target.pid();
            let args = ["inject", "network-partition", "--pid", &pid, "--for", "50s"];
            let mut command = sandbox.command(args);
            let mut controller = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program can be started");
            eventually("it is cut off", || !target.reaches("198.51.1.2:7"));
            assert_ne!(target.groups(), group);
            let pid = controller.id().cast_signed();
            let agents = descendants(pid, "agent");
            for (pid, _) in [(agents[0], agent_dies), (pid, controller_dies)]
                .into_iter()
                .filter(|(_, dies)| *dies)
            {
                kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
            }
            eventually("packets pass", || target.reaches("198.51.1.2:7"));
            controller.wait().expect("it is our child");
            eventually("the agent ends", || !lives(agents[0]));
            let status = sandbox.run(["status"]);
            assert_eq!(status.code, Some(0), "{status}");
            assert_eq!((target.groups(), run("nft list ruleset")), (group.clone(), rules.clone()));
        }
    });
}
