//! The agent of this machine: a child in a session and, where root may make one, a control group
//! of its own, so that nothing that ends the controller ends it too.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::requests::Link;
use crate::agent::{Hello, PROTOCOL, Request};
use crate::spec::quantity::Duration;
use crate::sys::cgroup::{Cgroup, Trees};
use crate::sys::process::Process;
use crate::sys::spawn::Spawn;

/// What the agent is told first.
#[derive(Debug)]
pub struct Greeting<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The experiment's title.
    pub title: &'a str,
    /// The run's folder.
    pub folder: &'a Path,
    /// How long it waits for a word before it reverts everything.
    pub heartbeat: Duration,
    /// How long the whole run may last.
    pub limit: Duration,
    /// Values for `${secret.name}`.
    pub secrets: BTreeMap<String, String>,
}

/// What the agent inherits of the environment; a service gets less still.
const INHERITED: [&str; 8] = [
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SHAKEDOWN_STATE_DIR",
    "SHAKEDOWN_FAILPOINT",
];

/// Starts the agent of a run and greets it. Must be called within a `LocalSet`.
pub async fn start(greeting: Greeting<'_>) -> Result<Link> {
    let group = own_group(greeting.run);
    let (ours, theirs) = UnixStream::pair().context("cannot make a socket for the agent")?;
    let process = match spawn(&greeting, group.as_ref(), &theirs) {
        Ok(process) => process,
        Err(error) => {
            remove(group.as_ref());
            return Err(error);
        }
    };
    drop(theirs);
    let cgroup = group.map(|group| group.path().to_owned());
    let link = Link::new(ours, process, greeting.folder.to_owned())?;
    let hello = Hello {
        protocol: PROTOCOL,
        run: greeting.run.to_owned(),
        title: greeting.title.to_owned(),
        folder: greeting.folder.to_owned(),
        heartbeat: greeting.heartbeat,
        limit: greeting.limit,
        secrets: greeting.secrets,
        cgroup: cgroup.clone(),
    };
    match link.request(Request::Hello(hello)).await {
        Ok(_) => Ok(link),
        Err(error) => {
            link.end();
            remove(cgroup.and_then(|path| Cgroup::existing(&path)).as_ref());
            Err(error.context("the agent could not begin"))
        }
    }
}

fn spawn(greeting: &Greeting<'_>, group: Option<&Cgroup>, stream: &UnixStream) -> Result<Process> {
    let path = greeting.folder.join("agent.log");
    let log = File::options().create(true).append(true).mode(0o600).open(&path);
    let log = log.with_context(|| format!("cannot open {}", path.display()))?;
    let home = group.map(|group| Cgroup::create(group.path().join("agent"))).transpose()?;
    let home = home.as_ref().map(Cgroup::open).transpose()?;
    let inherited =
        INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    // No selector reaches what bears this mark: neither this run's nor another's.
    let mark = std::iter::once(("SHAKEDOWN_AGENT".to_owned(), greeting.run.to_owned()));
    Spawn {
        program: OsStr::new("/proc/self/exe"),
        arguments: vec![OsStr::new("agent")],
        environment: inherited.chain(mark).collect(),
        directory: Path::new("/"),
        stdio: [stream.as_fd(), stream.as_fd(), log.as_fd()],
        cgroup: home.as_ref().map(AsFd::as_fd),
        network: None,
        dies_with_us: false,
    }
    .start()
    .context("cannot start the agent")
}

/// A group at the top of the version 2 tree, where this user may make one. Without it, whatever
/// kills the controller's group kills the agent too; `doctor` says so.
fn own_group(run: &str) -> Option<Cgroup> {
    Cgroup::create(group_of(run)?).ok()
}

fn group_of(run: &str) -> Option<PathBuf> {
    Some(Trees::read().ok()?.unified?.join(format!("shakedown-{run}")))
}

/// Removes the group of a run that died before it had a journal; one that somebody is in stays.
pub fn remove_empty_group(run: &str) {
    if let Some(group) = group_of(run) {
        let _ = std::fs::remove_dir(group.join("agent"));
        let _ = std::fs::remove_dir(group);
    }
}

fn remove(group: Option<&Cgroup>) {
    if let Some(group) = group {
        let _ = group.destroy();
    }
}
