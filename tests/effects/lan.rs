//! A target with a network of its own, plugged to the test by cables that nobody else sees.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};

use super::actor::actor_with_network;
use super::oracle::eventually;
use super::target::Target;

/// A target that sends back what it gets on the ports 7 and 8, with a cable for each network.
pub(super) struct Lan {
    target: Target,
}

/// Runs a test on a thread whose network is its own, and gone with it.
pub(super) fn apart(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may have a network of its own");
        run("ip link set lo up");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Lan {
    /// With this many cables. The test has the addresses `198.51.N.1` and `fd00:N::1` on each, the
    /// target those that end in 2.
    pub(super) fn new(cables: u8) -> Self {
        let target = Target::acting(&mut actor_with_network("echo [::]:7 [::]:8"));
        Self::around(target, cables)
    }

    /// The same around another target that has a network of its own.
    pub(super) fn around(target: Target, cables: u8) -> Self {
        let lan = Self { target };
        let pid = lan.target.arg();
        lan.inside("ip link set lo up");
        for n in 1..=cables {
            run(&format!("ip link add here{n} type veth peer name eth{n} netns {pid}"));
            for (prefix, interface, last) in [(String::new(), "here", 1), (lan.prefix(), "eth", 2)]
            {
                let device = format!("dev {interface}{n}");
                run(&format!("{prefix}ip address add 198.51.{n}.{last}/24 {device}"));
                run(&format!("{prefix}ip address add fd00:{n}::{last}/64 {device} nodad"));
                run(&format!("{prefix}ip link set {device} up"));
            }
        }
        lan
    }

    /// What a command comes to in the target's network.
    pub(super) fn output(&self, command: &str) -> Output {
        let line = format!("{}{command}", self.prefix());
        let mut words = line.split(' ');
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).output().expect("nsenter is installed")
    }

    fn prefix(&self) -> String {
        format!("nsenter --net=/proc/{}/ns/net ", self.target.arg())
    }

    /// Its process id, as an argument.
    pub(super) fn pid(&self) -> &str {
        self.target.arg()
    }

    /// A program in the target's network.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.target.arg())).arg(program);
        command
    }

    /// What a command prints in the target's network.
    pub(super) fn inside(&self, command: &str) -> String {
        run(&format!("{}{command}", self.prefix()))
    }

    /// Pings from the target's network; that nobody answers is no mistake.
    pub(super) fn ping_from_inside(&self, address: &str) {
        ping(&format!("{}ping", self.prefix()), address);
    }

    /// How many pings have reached the target.
    pub(super) fn pings_inside(&self) -> u64 {
        pings(&self.inside("cat /proc/net/snmp"))
    }
}

/// Pings from the test's network; that nobody answers is no mistake.
pub(super) fn ping_from_here(address: &str) {
    ping("ping", address);
}

/// How many pings have reached the test.
pub(super) fn pings_here() -> u64 {
    pings(&run("cat /proc/net/snmp"))
}

fn ping(program: &str, address: &str) {
    let line = format!("{program} -c 2 -i 0.01 -W 0.1 {address}");
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    let _ = command.args(words).output().expect("ping is installed");
}

/// `InEchos` of the ICMP statistics.
fn pings(snmp: &str) -> u64 {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Icmp: "));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let mut both = names.split(' ').zip(values.split(' '));
    let (_, value) = both.find(|(name, _)| *name == "InEchos").expect("it is counted");
    value.parse().expect("a number")
}

/// What a command prints in the network of this thread.
pub(super) fn run(line: &str) -> String {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    let output = command.args(words).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// A connection to the target.
pub(super) struct Flow(TcpStream);

impl Flow {
    pub(super) fn open(address: &str) -> Self {
        let mut stream = None;
        eventually("the target listens", || {
            stream = TcpStream::connect(address).ok();
            stream.is_some()
        });
        let stream = stream.expect("it is connected");
        stream.set_nodelay(true).expect("it is TCP");
        let mut flow = Self(stream);
        flow.passes();
        flow
    }

    /// Opens one over which nothing comes back, for a while.
    #[track_caller]
    pub(super) fn unanswered(address: &str) {
        Self(TcpStream::connect(address).expect("the target listens")).is_cut();
    }

    /// Asserts that what is sent comes back.
    #[track_caller]
    pub(super) fn passes(&mut self) {
        self.send();
        self.answers();
    }

    /// Asserts that nothing comes back, for a while.
    #[track_caller]
    pub(super) fn is_cut(&mut self) {
        self.send();
        let answer = self.receive(Duration::from_millis(300));
        assert!(answer.is_err(), "it is not cut");
    }

    /// Asserts that it is reset as soon as something is sent.
    #[track_caller]
    pub(super) fn is_reset(&mut self) {
        self.send();
        let error = self.receive(Duration::from_secs(5)).expect_err("it is reset");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }

    /// Asserts that it ends with a reset, or has so ended before.
    #[track_caller]
    pub(super) fn was_reset(&mut self) {
        let error = self.receive(Duration::from_secs(20)).expect_err("it is open");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    /// Asserts that what was sent earlier comes back after all.
    #[track_caller]
    pub(super) fn answers(&mut self) {
        self.receive(Duration::from_secs(20)).expect("an answer");
    }

    fn send(&mut self) {
        self.0.write_all(b"!").expect("it is open");
    }

    fn receive(&mut self, limit: Duration) -> std::io::Result<()> {
        self.0.set_read_timeout(Some(limit))?;
        self.0.read_exact(&mut [0])
    }
}

/// Whether a new connection comes about.
pub(super) fn connects(address: &str) -> bool {
    let address: SocketAddr = address.parse().expect("an address");
    TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
}
