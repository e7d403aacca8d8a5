//! Names resolved in namespaces of the test, by a real name server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::super::Namespace;
use super::super::testbed::{Pair, privileged};
use super::*;

/// `dnsmasq` in a namespace. Killed when this is dropped.
struct NameServer(Child);

impl NameServer {
    fn start(namespace: &Namespace, folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new("dnsmasq");
        command
            .args(["--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root"])
            .args(["--conf-file=/dev/null", "--pid-file", "--log-facility=-", "--no-daemon"])
            .args(["--local-ttl=1", "--bind-dynamic"])
            .args(arguments)
            .current_dir(folder)
            .stderr(Stdio::piped());
        let mut child = namespace.run_in(|| command.spawn().unwrap()).unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // It has opened its sockets before it says so.
        let mut said = lines.map_while(Result::ok);
        assert!(said.any(|line| line.contains("started, version")), "dnsmasq does not start");
        std::thread::spawn(move || said.for_each(drop));
        Self(child)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A root directory with these files.
struct Files(tempfile::TempDir);

impl Files {
    fn new(hosts: &str, configuration: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/hosts"), hosts).unwrap();
        fs::write(root.path().join("etc/resolv.conf"), configuration).unwrap();
        Self(root)
    }

    fn resolver(&self) -> Resolver {
        Resolver::with(root::Root::at(self.0.path()).unwrap())
    }

    fn resolve(&self, namespace: &Namespace, names: &[&str]) -> anyhow::Result<Resolved> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.resolver().resolve(namespace, &names)
    }
}

fn skip() -> bool {
    let here = Command::new("dnsmasq").arg("--version").output().is_ok();
    if !here {
        println!("skipped: dnsmasq is not installed");
    }
    !here || !privileged()
}

const SERVER: &str = "nameserver 10.9.0.2\n";

#[test]
fn all_addresses_are_found_along_aliases_and_in_domains() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let files = Files::new("10.1.1.1 listed\n", "search example.com\nnameserver 10.9.0.2\n");
    let _server = NameServer::start(
        &pair.far,
        files.0.path(),
        &[
            "--host-record=db.example.com,10.0.0.1",
            "--host-record=db.example.com,10.0.0.2",
            "--host-record=db.example.com,fd00::1",
            "--cname=alias.example.com,other.example.com",
            "--cname=other.example.com,db.example.com",
            "--local=/com/",
        ],
    );
    let shown = |names: &[&str]| files.resolve(&pair.near, names).unwrap().shown();
    insta::assert_snapshot!(shown(&["db.example.com"]), @"3 addresses for db.example.com: 10.0.0.1, 10.0.0.2, fd00::1");
    insta::assert_snapshot!(shown(&["db", "listed"]), @"3 addresses for db: 10.0.0.1, 10.0.0.2, fd00::1; 1 address for listed: 10.1.1.1");
    insta::assert_snapshot!(shown(&["alias.example.com."]), @"3 addresses for alias.example.com.: 10.0.0.1, 10.0.0.2, fd00::1");
    insta::assert_snapshot!(shown(&["10.7.7.7"]), @"1 address for 10.7.7.7: 10.7.7.7");
    let refused = files.resolve(&pair.near, &["no.example.com"]).unwrap_err();
    insta::assert_snapshot!(format!("{refused:#}"), @"cannot resolve the peer `no.example.com`: there is no such name");
}

/// More than a datagram holds.
#[test]
fn an_answer_that_is_too_large_comes_by_tcp() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let files = Files::new("", SERVER);
    let records: Vec<String> =
        (1..=200).map(|n| format!("--host-record=many.example.com,10.0.1.{n}")).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).chain(["--local=/com/"]).collect();
    let _server = NameServer::start(&pair.far, files.0.path(), &records);
    let found = files.resolve(&pair.near, &["many.example.com"]).unwrap();
    assert_eq!(found.addresses["many.example.com"].len(), 200);
}

#[test]
fn a_silent_name_server_is_an_error_in_time_and_another_one_helps() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let files = Files::new("", "nameserver 10.9.0.9\noptions timeout:1 attempts:1\n");
    let start = std::time::Instant::now();
    let refused = files.resolve(&pair.near, &["db.example.com"]).unwrap_err();
    insta::assert_snapshot!(format!("{refused:#}"), @"cannot resolve the peer `db.example.com`: 10.9.0.9:53 does not answer: nothing within 1s");
    assert!(start.elapsed() < Duration::from_secs(3));
    let files = Files::new("", "nameserver 10.9.0.3\nnameserver fd09::2\n");
    let arguments =
        ["--host-record=db.example.com,10.0.0.1", "--listen-address=fd09::2", "--local=/com/"];
    let _server = NameServer::start(&pair.far, files.0.path(), &arguments);
    assert_eq!(files.resolve(&pair.near, &["db.example.com"]).unwrap().addresses.len(), 1);
}

#[test]
fn links_do_not_lead_out_of_the_root() {
    let files = Files::new("", "");
    let etc = files.0.path().join("etc");
    fs::remove_file(etc.join("hosts")).unwrap();
    fs::create_dir(files.0.path().join("real")).unwrap();
    fs::write(files.0.path().join("real/hosts"), "10.5.5.5 inside\n").unwrap();
    std::os::unix::fs::symlink("/real/hosts", etc.join("hosts")).unwrap();
    let root = root::Root::at(files.0.path()).unwrap();
    assert_eq!(root.read("etc/hosts").unwrap().as_deref(), Some("10.5.5.5 inside\n"));
    fs::remove_file(etc.join("hosts")).unwrap();
    std::os::unix::fs::symlink("/../../../../../../etc/passwd", etc.join("hosts")).unwrap();
    assert_eq!(root.read("etc/hosts").unwrap(), None);
    fs::remove_file(etc.join("hosts")).unwrap();
    std::os::unix::fs::symlink("/real", etc.join("hosts")).unwrap();
    let refused = root.read("etc/hosts").unwrap_err();
    insta::assert_snapshot!(format!("{refused:#}"), @"the target's etc/hosts is no ordinary file");
}

#[test]
fn addresses_that_appear_are_told_and_old_ones_stay() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let files = Files::new("", SERVER);
    let record = |address: &str| format!("--host-record=db.example.com,{address}");
    let start = |address: &str| {
        let arguments = [&record(address)[..], "--local=/com/"];
        NameServer::start(&pair.far, files.0.path(), &arguments)
    };
    let server = start("10.0.0.1");
    let first = files.resolve(&pair.near, &["db.example.com"]).unwrap();
    let follower = Follower::start(&pair.near, files.resolver(), first).unwrap();
    assert_eq!(follower.news(), None);
    drop(server);
    let _server = start("10.0.0.2");
    let patience = rustix::time::Timespec { tv_sec: 20, tv_nsec: 0 };
    let mut fds = [PollFd::new(&follower, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&patience)).unwrap(), 1);
    let news = follower.news().unwrap().shown();
    insta::assert_snapshot!(news, @"2 addresses for db.example.com: 10.0.0.1, 10.0.0.2");
    assert_eq!(follower.news(), None);
}
