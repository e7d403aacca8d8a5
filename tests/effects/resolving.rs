//! A target that resolves names, and the name server that it asks.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lan::Lan;
use super::target::Target;
use crate::support::{skip, skip_unless_root};

/// Whether this machine lacks what such tests need. Says so.
pub(super) fn skip_without_name_server() -> bool {
    if skip_unless_root() {
        return true;
    }
    for program in ["dnsmasq", "dig"] {
        if Command::new(program).args(["-v"]).output().is_err() {
            skip(&format!("{program} is not installed"));
            return true;
        }
    }
    let Ok(found) = shakedown::sys::net::nft::supported() else { return false };
    let missing = !found.divert.is_supported();
    if missing {
        skip("this kernel cannot divert connections");
    }
    missing
}

/// A target with a network and an `/etc/resolv.conf` of its own.
pub(super) fn resolving(cables: u8, folder: &tempfile::TempDir, servers: &[&str]) -> Lan {
    let path = folder.path().join("resolv.conf");
    let mut lines: Vec<String> =
        servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    lines.push("options timeout:1 attempts:1\n".to_owned());
    fs::write(&path, lines.concat()).expect("a file can be written");
    let script = "mount --bind \"$0\" /etc/resolv.conf && echo && exec sleep 1000";
    let mut command = Command::new("unshare");
    command.args(["-n", "-m", "sh", "-c", script]).arg(&path);
    let lan = Lan::around(Target::start(&mut command), cables);
    lan.inside("ip link set lo up");
    lan
}

/// `dnsmasq` in the network of the thread that starts it, or of a target. Killed when this is
/// dropped.
pub(super) struct NameServer {
    child: Child,
    hosts: std::path::PathBuf,
    said: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl NameServer {
    /// Knows what is in `hosts`, lines as in `/etc/hosts`, and that there is nothing else.
    pub(super) fn start(folder: &tempfile::TempDir, hosts: &str) -> Self {
        Self::started(folder, Command::new("dnsmasq"), hosts, "hosts")
    }

    /// The same in the target's network, at an address of its loopback interface.
    pub(super) fn start_inside(folder: &tempfile::TempDir, lan: &Lan, hosts: &str) -> Self {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", lan.pid())).arg("dnsmasq");
        command.args(["--listen-address=127.0.0.53", "--bind-interfaces"]);
        Self::started(folder, command, hosts, "hosts-inside")
    }

    fn started(folder: &tempfile::TempDir, mut command: Command, text: &str, name: &str) -> Self {
        let hosts = folder.path().join(name);
        fs::write(&hosts, text).expect("a file can be written");
        command
            .args(["--no-daemon", "--no-resolv", "--no-hosts", "--user=root", "--pid-file"])
            .args(["--conf-file=/dev/null", "--log-facility=-", "--local-ttl=1", "--local=//"])
            .args(["--local=/com/", "--edns-packet-max=4096", "--no-round-robin"])
            .arg(format!("--addn-hosts={}", hosts.display()))
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("dnsmasq can be started");
        let said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut server = Self { child, hosts, said };
        server.await_word("read ");
        server
    }

    /// From now on it knows this instead.
    pub(super) fn know(&mut self, hosts: &str) {
        fs::write(&self.hosts, hosts).expect("a file can be written");
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        kill(Pid::from_raw(pid), Signal::SIGHUP).expect("it runs");
        self.await_word("read ");
    }

    fn await_word(&mut self, word: &str) {
        let mut lines = self.said.by_ref().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(word)), "dnsmasq does not say `{word}`");
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
