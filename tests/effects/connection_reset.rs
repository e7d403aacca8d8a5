//! `connection-reset`: connections that match end, everybody else's go on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::injection::Injection;
use super::lan::{Flow, Lan, apart, connects};
use super::oracle::eventually;
use super::target::Target;
use crate::support::{skip, skip_unless_root};

/// Whether this kernel cannot cut connections. Says so.
fn skip_without_destroy() -> bool {
    use shakedown::sys::net::{Support, sockets};
    match sockets::destroy_supported() {
        _ if skip_unless_root() => true,
        Ok(Support::Supported) => false,
        Ok(Support::Missing { reason }) => {
            skip(&format!("this kernel cannot cut connections: {reason}"));
            true
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// Cuts once; the effect in words.
#[track_caller]
fn cut(pid: &str, parameters: &[&str]) -> String {
    let args = [&["connection-reset", "--pid", pid], parameters].concat();
    let run = Injection::begin(&args).finish();
    run.ended(0, "held");
    run.proofs().join("; ")
}

#[test]
fn every_connection_of_a_network_is_cut_once() {
    if skip_without_destroy() {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let mut flows = ["198.51.1.2:7", "198.51.2.2:7", "[fd00:1::2]:8"].map(Flow::open);
        assert_eq!(cut(lan.pid(), &[]), "3 connections cut");
        flows.iter_mut().for_each(Flow::was_reset);
        flows = ["198.51.1.2:7", "198.51.2.2:7", "[fd00:1::2]:8"].map(Flow::open);
        assert_eq!(cut(lan.pid(), &["peers={addresses: ['fd00:1::/64']}"]), "1 connection cut");
        let [mut one, mut two, mut six] = flows;
        six.was_reset();
        assert_eq!(cut(lan.pid(), &["except=[{addresses: [198.51.1.1]}]"]), "1 connection cut");
        two.was_reset();
        one.passes();
        assert_eq!(cut(lan.pid(), &["peers={local-ports: [7]}"]), "1 connection cut");
        one.was_reset();
    });
}

#[test]
fn a_cut_that_finds_nothing_has_no_effect() {
    if skip_without_destroy() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let run = Injection::begin(&["connection-reset", "--pid", lan.pid(), "peers={ports: [9]}"]);
        let run = run.finish();
        run.ended(7, "inconclusive");
        assert!(run.told.contains("no connection matched"), "{}", run.told);
        flow.passes();
    });
}

#[test]
fn new_connections_are_refused_while_it_lasts() {
    if skip_without_destroy() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut old = ["198.51.1.2:7", "[fd00:1::2]:7"].map(Flow::open);
        let mut spared = Flow::open("198.51.1.2:8");
        let peers = "peers={local-ports: [7]}";
        let args = ["connection-reset", "--pid", lan.pid(), "new=refuse", peers];
        let reset = Injection::start(&args);
        old.iter_mut().for_each(Flow::was_reset);
        for address in ["198.51.1.2:7", "[fd00:1::2]:7"] {
            let error = std::net::TcpStream::connect(address).expect_err("it is refused");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused, "{address}");
        }
        spared.passes();
        assert!(connects("198.51.1.2:8"));
        let proofs = reset.stop().proofs();
        assert!(proofs[0].starts_with("2 connections cut; "), "{proofs:?}");
        Flow::open("198.51.1.2:7");
        spared.passes();
    });
}

#[test]
fn it_cuts_again_as_often_as_asked() {
    if skip_without_destroy() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut first = Flow::open("198.51.1.2:7");
        let args = ["connection-reset", "--pid", lan.pid(), "every=200ms", "--for", "900ms"];
        let run = Injection::begin(&args);
        first.was_reset();
        // One that was cut is opened again, and finds its end in turn.
        Flow::open("198.51.1.2:7").was_reset();
        run.finish().ended(0, "held");
    });
}

/// A client that keeps its connection: `redis-cli`, asked line by line.
struct Client {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Client {
    fn of(port: u16) -> Self {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("redis-cli is installed");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, answers }
    }

    fn ask(&mut self, question: &str) -> String {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{question}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        answer.trim().to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn redis(port: u16) -> Target {
    let mut command = Command::new("redis-server");
    let port = port.to_string();
    command.args(["--port", &port, "--save", "", "--dir", "/tmp", "--appendonly", "no"]);
    let server = Target::start(&mut command);
    eventually("redis listens", || connects(&format!("127.0.0.1:{port}")));
    server
}

/// Both servers and both clients share one network namespace.
#[test]
fn of_a_shared_network_only_the_targets_own_connections_are_cut() {
    if skip_without_destroy() {
        return;
    }
    apart(|| {
        let (one, _other) = (redis(7001), redis(7002));
        let (mut mine, mut theirs) = (Client::of(7001), Client::of(7002));
        let ids = [&mut mine, &mut theirs].map(|client| client.ask("CLIENT ID"));
        assert_eq!(cut(one.arg(), &[]), "1 connection cut");
        assert_eq!(theirs.ask("CLIENT ID"), ids[1], "the bystander keeps its connection");
        // A server numbers its clients: the first one is gone, and another can come.
        let mut another = Client::of(7001);
        assert_eq!(another.ask("PING"), "PONG");
        assert_eq!(another.ask(&format!("CLIENT KILL ID {}", ids[0])), "0");
    });
}
