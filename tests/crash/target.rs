//! A process to do things to: this test program, with threads of its own, in a control group of
//! its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::asker::Asker;

/// Tells the program that it is the target and no test.
const ROLE: &str = "SHAKEDOWN_TEST_TARGET";

/// Where it answers when it has a network of its own, and the two ends of the cable.
pub(super) const PORT: u16 = 18400;
pub(super) const ADDRESS: &str = "10.99.0.2";
const NEAR: &str = "10.99.0.1/24";
const FAR: &str = "10.99.0.2/24";

/// The target; it is killed when this is dropped, and ends by itself when this process does.
pub(super) struct Target {
    child: Child,
    group: PathBuf,
    has_network: bool,
    asker: Option<Asker>,
}

impl Target {
    /// Starts it in a new control group of this name, at the top of the version 2 tree.
    pub(super) fn start(tree: &Path, name: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        Self::launch(&mut Command::new(program), tree, name)
    }

    /// Starts it in a network namespace of its own as well, where it answers at [`PORT`], and lays
    /// a cable to this thread's.
    pub(super) fn start_in_network(tree: &Path, name: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let unshare = &mut Command::new("unshare");
        let mut target = Self::launch(unshare.arg("--net").arg(program), tree, name);
        target.plug_in();
        target.has_network = true;
        target.asker = Some(Asker::start(target.pid()));
        target
    }

    fn launch(command: &mut Command, tree: &Path, name: &str) -> Self {
        let mut child = command
            .args(["crash::target::waits", "--exact", "--nocapture", "--test-threads=2"])
            .env_clear()
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this program can be started again");
        let group = tree.join(name);
        std::fs::create_dir(&group).expect("a control group can be made");
        std::fs::write(group.join("cgroup.procs"), child.id().to_string()).expect("it can move");
        let mut ready = [0];
        while ready != *b"!" {
            let stdout = child.stdout.as_mut().expect("it is piped");
            stdout.read_exact(&mut ready).expect("the target says that it is ready");
        }
        Self { child, group, has_network: false, asker: None }
    }

    fn plug_in(&self) {
        let pid = self.pid().to_string();
        let here = format!(
            "ip link add peer{pid} type veth peer name eth0 netns {pid} &&
             ip address add {NEAR} dev peer{pid} && ip link set peer{pid} up"
        );
        let there =
            format!("ip address add {FAR} dev eth0 && ip link set lo up && ip link set eth0 up");
        run(Command::new("sh").args(["-c", &here]));
        run(Command::new("nsenter").args(["--net", "--target", &pid, "sh", "-c", &there]));
        let address = SocketAddr::new(ADDRESS.parse().expect("it is one"), PORT);
        let answers = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok();
        assert!((0..20).any(|_| answers()), "the target can be reached");
    }

    /// What can be set in a network of its own: all of it, in the words of other programs.
    pub(super) fn network(&self) -> String {
        if !self.has_network {
            return String::new();
        }
        // How many connections wait to be accepted is no part of how it is set up.
        let words = "nft list ruleset; tc qdisc show; tc filter show dev eth0; \
                     ip -o link | cut -d: -f2; cat /proc/net/netfilter/nfnetlink_queue; \
                     ss -Htuln | while read -r kind state _ _ rest; do echo $kind $state $rest; done";
        let output = Command::new("nsenter")
            .args(["--net", "--target", &self.pid().to_string(), "sh", "-c", words])
            .stderr(Stdio::null())
            .output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its control group.
    pub(super) fn group(&self) -> &Path {
        &self.group
    }

    /// Kills it. Its tracer learns of its end before this process does.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits for its end; whether it came in time.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.signal() == Some(9),
                _ if Instant::now() > deadline => return false,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Whether it is there and runs or sleeps, with all its threads.
    pub(super) fn state(&self) -> String {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid()));
        let stats = tasks.into_iter().flatten().flatten();
        let mut letters: Vec<char> = stats
            .filter_map(|task| {
                let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
                stat.rsplit_once(") ")?.1.chars().next()
            })
            .map(|letter| if "RSD".contains(letter) { 'S' } else { letter })
            .collect();
        letters.sort_unstable();
        letters.into_iter().collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
        self.asker = None;
        if self.has_network {
            // The kernel removes the cable some time after the namespace; the next one waits for it.
            let peer = format!("peer{}", self.pid());
            let _ =
                Command::new("ip").args(["link", "delete", &peer]).stderr(Stdio::null()).status();
        }
        // Only a cell that failed leaves groups in there.
        for inner in std::fs::read_dir(&self.group).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir(inner.path());
        }
        let deadline = Instant::now() + Duration::from_secs(1);
        while std::fs::remove_dir(&self.group).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} works");
}

/// The target itself; as a test it is nothing.
#[test]
fn waits() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let listener = TcpListener::bind(("0.0.0.0", 0)).expect("a port is free");
    let listener = TcpListener::bind(("0.0.0.0", PORT)).unwrap_or(listener);
    std::thread::spawn(move || answer(&listener));
    println!("!");
    let mut end = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut end);
}

/// A server that says the same to everybody, without looking.
fn answer(listener: &TcpListener) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
}
