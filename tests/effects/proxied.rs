//! Faults by a proxy: real servers in the target's network, real clients before it.

use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill as signal};
use nix::unistd::Pid;

use super::injection::Injection;
use super::lan::Lan;
use super::oracle::eventually;
use crate::support::{skip, skip_unless_root};

/// Whether this kernel cannot redirect connections by an owned table. Says so.
pub(super) fn skip_without_redirect() -> bool {
    use shakedown::sys::net::nft::{self, Action};
    if skip_unless_root() {
        return true;
    }
    let Ok(found) = nft::supported() else { return false };
    let missing = found.missing_for(Action::Redirect { port: 1 });
    missing.inspect(|missing| skip(&format!("this kernel lacks {missing}"))).is_some()
}

/// Puts a fault, looks, and takes it back; what `nft` lists before and after is the same. What it
/// proved.
pub(super) fn inject(lan: &Lan, args: &[&str], look: impl FnOnce()) -> String {
    lan.inside("ip link set lo up");
    let before = lan.inside("nft list ruleset");
    let mut fault = Injection::start(args);
    let during = lan.inside("nft list ruleset");
    assert!(during.contains("shakedown_") && during.contains("redirect"), "{during}");
    look();
    fault.await_proof();
    let run = fault.stop();
    assert_eq!(lan.inside("nft list ruleset"), before);
    run.proofs().pop().expect("a proof")
}

/// What curl prints; that it fails is no mistake.
pub(super) fn curl(arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-s", "--max-time", "10"]).args(arguments);
    let output = command.output().expect("curl is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command prints.
pub(super) fn run(line: &str) -> String {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    let output = command.args(words).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Kills the agent of a run, its controller, or both.
pub(super) fn kill(fault: &Injection, agent: bool, controller: bool) {
    let pid = fault.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.expect("it runs");
    let its: i32 =
        children.split_whitespace().next().expect("its agent").parse().expect("a number");
    for pid in [agent.then_some(its), controller.then_some(pid)].into_iter().flatten() {
        signal(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
    }
}

/// Waits until the rules are as they were.
pub(super) fn eventually_gone(lan: &Lan, before: &str) {
    eventually("the rules are as before", || lan.inside("nft list ruleset") == before);
}

/// A server of the test; killed when this is dropped.
pub(super) struct Server {
    child: Child,
    _folder: tempfile::TempDir,
}

const NGINX: &str = "
daemon off;
worker_processes 1;
error_log stderr;
pid FOLDER/pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path FOLDER; proxy_temp_path FOLDER; fastcgi_temp_path FOLDER;
  uwsgi_temp_path FOLDER; scgi_temp_path FOLDER;
  server {
    listen 8080; listen [::]:8080; listen 8081 http2; listen [::]:8081 http2;
    root FOLDER;
    location = / { default_type text/plain; return 200 'hello from nginx, this is the body'; }
  }
}
";

impl Server {
    /// An nginx in the target's network, on the port 8080 for HTTP/1.1 and 8081 for HTTP/2.
    pub(super) fn nginx(lan: &Lan) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("nginx.conf");
        let path = folder.path().display().to_string();
        std::fs::write(&config, NGINX.replace("FOLDER", &path)).expect("it can be written");
        let line = format!("nginx -e stderr -c {}", config.display());
        let server = Self::start(Some(lan), &line, folder)?;
        eventually("nginx listens", || !curl(&["http://198.51.1.2:8080"]).is_empty());
        Some(server)
    }

    /// A redis in the target's network, or in the test's.
    pub(super) fn redis(lan: Option<&Lan>) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().display();
        let line = format!(
            "redis-server --port 6379 --protected-mode no --bind * -::* --save --dir {path}"
        );
        let server = Self::start(lan, &line, folder)?;
        let host = if lan.is_some() { "198.51.1.2" } else { "198.51.1.1" };
        eventually("redis listens", || run(&format!("redis-cli -h {host} ping")) == "PONG\n");
        Some(server)
    }

    fn start(lan: Option<&Lan>, line: &str, folder: tempfile::TempDir) -> Option<Self> {
        let mut words = line.split(' ');
        let program = words.next()?;
        let found = Command::new("which").arg(program).output().is_ok_and(|it| it.status.success());
        if !found {
            skip(&format!("{program} is not installed"));
            return None;
        }
        let mut command = match lan {
            Some(lan) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/proc/{}/ns/net", lan.pid())).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it can be started");
        Some(Self { child, _folder: folder })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // An nginx that is killed leaves its worker.
            let _ = signal(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
