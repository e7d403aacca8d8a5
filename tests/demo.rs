//! The hidden `shakedown demo`, as an experiment's services start it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::Sandbox;

/// A part of the shop that listens on a port the kernel chose.
struct Part {
    child: Child,
    address: String,
}

impl Part {
    fn start<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> Self {
        let mut child = sandbox
            .command(["demo"].iter().chain(&args))
            .args(["--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let log = child.stderr.take().expect("its log is piped");
        BufReader::new(log).read_line(&mut line).expect("its log can be read");
        let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
        Self { child, address: address.unwrap_or_else(|| panic!("it says `{line}`")) }
    }

    /// The status line and the body of an answer.
    fn get(&self, path: &str) -> (String, serde_json::Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.lines().next().unwrap_or_default().to_owned();
        (status, serde_json::from_str(body).expect("a body of JSON"))
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        kill(Pid::from_raw(pid), signal).expect("it lives");
    }

    /// Asks it to stop; its exit code.
    fn stop(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_replica_answers_and_stops_cleanly() {
    let sandbox = Sandbox::new();
    let replica = Part::start(&sandbox, ["replica"]);
    let (status, body) = replica.get("/stock");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(body["pid"], replica.child.id());
    assert_eq!(body["stock"], 100);
    assert_eq!(replica.stop(), Some(0));
}

#[test]
fn a_shop_outlives_a_dead_and_a_hanging_replica() {
    let sandbox = Sandbox::new();
    let replicas = [(); 3].map(|()| Part::start(&sandbox, ["replica"]));
    let addresses = replicas.each_ref().map(|replica| replica.address.as_str());
    let [first, second, third] = addresses;
    let shop = Part::start(&sandbox, ["shop", "--replica", first, second, third]);
    replicas[0].signal(Signal::SIGKILL);
    replicas[1].signal(Signal::SIGSTOP);
    for _ in 0..6 {
        let (status, body) = shop.get("/checkout");
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert_eq!(body["from"]["replica"], third);
    }
    assert_eq!(shop.stop(), Some(0));
}

#[test]
fn a_shop_without_retries_loses_every_other_order_to_a_dead_replica() {
    let sandbox = Sandbox::new();
    let replicas = [(); 2].map(|()| Part::start(&sandbox, ["replica"]));
    let [first, second] = replicas.each_ref().map(|replica| replica.address.as_str());
    let shop = Part::start(&sandbox, ["shop", "--no-retries", "--replica", first, second]);
    replicas[0].signal(Signal::SIGKILL);
    let statuses = [(); 4].map(|()| shop.get("/checkout").0);
    let (bad, good) = ("HTTP/1.1 502 Bad Gateway", "HTTP/1.1 200 OK");
    assert_eq!(statuses, [bad, good, bad, good]);
}
