//! The oracle: everything that a run may have touched, read by other means than its own.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stage::{Stage, tree};

/// What is true of a stage, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State(BTreeMap<&'static str, String>);

/// What only the next command repairs when no process of the run is left.
pub(super) const BOOKKEEPING: [&str; 5] =
    ["journal", "copy of the journal", "locks", "control groups", "host interfaces"];

impl State {
    /// Reads it now. Of what does not exist before the run, the absence is its state.
    pub(super) fn read(stage: &Stage) -> Self {
        let mut state = BTreeMap::new();
        if let Some(target) = stage.target() {
            state.insert("threads of the target", target.state());
            state.insert("control groups of the target", groups_of(target.pid()));
            state.insert("inside the target's group", inside(target.group()));
            state.insert("network of the target", target.network());
        }
        if let Some(disk) = stage.disk() {
            state.insert("free space", free(disk));
            state.insert("files on the disk", names(disk, |_| true));
        }
        state.insert("processes of the run", processes_of(stage));
        state.insert("mounts", mounts());
        let run = stage.run_folder();
        let run = run.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        state.insert("journal", journal(stage));
        state.insert("copy of the journal", run.map(copies).unwrap_or_default());
        state.insert("locks", run.map(locks).unwrap_or_default());
        state.insert("control groups", run.map(groups).unwrap_or_default());
        state.insert("host interfaces", run.map(interfaces).unwrap_or_default());
        if let Some(namespace) = stage.namespace() {
            state.insert("host tables", run.map(tables).unwrap_or_default());
            state.insert("processes in the service's network", members(namespace));
        }
        Self(state)
    }

    /// The same, with the network of a service that did not exist.
    pub(super) fn with_empty_network(&self) -> Self {
        let mut state = self.0.clone();
        state.insert("host tables", String::new());
        state.insert("processes in the service's network", String::new());
        Self(state)
    }

    /// The same without some of its parts.
    pub(super) fn without(&self, parts: &[&str]) -> Self {
        let rest = self.0.iter().filter(|(name, _)| !parts.contains(name));
        Self(rest.map(|(name, value)| (*name, value.clone())).collect())
    }

    /// What it is like where the target has ended, as it was meant to.
    pub(super) fn without_target(&self) -> Self {
        self.without(&[
            "threads of the target",
            "control groups of the target",
            "inside the target's group",
            "network of the target",
        ])
    }
}

/// Waits until the stage is as it was; the differences if it is not in time.
pub(super) fn restored(
    stage: &Stage,
    view: impl Fn(&State) -> State,
    before: &State,
    limit: Duration,
) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    let wanted = view(before);
    loop {
        let now = view(&State::read(stage));
        if now == wanted {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Difference(&wanted, &now).to_string());
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

struct Difference<'a>(&'a State, &'a State);

impl fmt::Display for Difference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(State(before), State(after)) = self;
        for (name, old) in before {
            let new = after.get(name).map_or("(not read)", String::as_str);
            if new != old {
                write!(formatter, "\n      {name}: was `{old}`, is `{new}`")?;
            }
        }
        Ok(())
    }
}

fn groups_of(pid: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    text.lines().collect::<Vec<_>>().join(" ")
}

/// The processes and groups in a control group: stress workers and freezers would be there.
fn inside(group: &Path) -> String {
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let count = processes.lines().count();
    format!("{count} processes, groups: {}", names(group, Path::is_dir))
}

fn free(disk: &Path) -> String {
    let room = rustix::fs::statvfs(disk).expect("the disk is there");
    format!("{} blocks, {} files", room.f_bavail, room.f_ffree)
}

fn names(folder: &Path, which: impl Fn(&Path) -> bool) -> String {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<PathBuf> = paths.filter(|path| which(path)).collect();
    names.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().display().to_string();
    names.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Agent, services and what they started know the run's folder or its name by their environment.
fn processes_of(stage: &Stage) -> String {
    let folder = stage.state_folder().display().to_string();
    let run = stage.run_folder();
    let run = run.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let marks = [Some(folder), run.map(|run| format!("SHAKEDOWN_RUN={run}"))];
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is there").flatten() {
        let path = entry.path();
        let Ok(environment) = fs::read(path.join("environ")) else { continue };
        let environment = String::from_utf8_lossy(&environment);
        if marks.iter().flatten().any(|mark| environment.contains(mark.as_str())) {
            let words = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
            found.push(words.replace('\0', " "));
        }
    }
    found.sort();
    found.join(", ")
}

fn mounts() -> String {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let fields = |line: &str| line.split(' ').nth(4).unwrap_or_default().to_owned();
    let ours = text.lines().map(fields).filter(|point| point.contains("/shakedown"));
    ours.filter(|point| !point.ends_with("/disk")).collect::<Vec<_>>().join(" ")
}

fn journal(stage: &Stage) -> String {
    match (stage.run_folder(), stage.history()) {
        (None, _) => "closed".to_owned(),
        (_, Some(history)) if history.is_closed() => "closed".to_owned(),
        (_, Some(history)) => format!("open: {:?}", history.open()),
        (Some(_), None) => "unreadable".to_owned(),
    }
}

fn copies(run: &str) -> String {
    names(Path::new("/run/shakedown"), |path| path.to_string_lossy().contains(run))
}

fn locks(run: &str) -> String {
    names(Path::new("/run/shakedown/locks"), |path| {
        fs::read_to_string(path).is_ok_and(|holder| holder.contains(run))
    })
}

/// The run's own group at the top, and its freezers wherever they are one level below.
fn groups(run: &str) -> String {
    let top = tree().expect("the matrix is skipped without it");
    let mark = format!("shakedown-{run}");
    names(top, |path| path.to_string_lossy().contains(&mark))
}

/// Interfaces of the run, in the network that this thread is in (`/sys` shows the first one's).
fn interfaces(run: &str) -> String {
    let tail = run.rsplit('-').next().unwrap_or(run);
    let text = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let names = text.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.filter(|name| name.contains(tail)).collect::<Vec<_>>().join(" ")
}

/// Tables of the run on this host; those in a namespace vanish with it.
fn tables(run: &str) -> String {
    let output = std::process::Command::new("nft").args(["list", "tables"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let mark = run.replace('-', "_");
    text.unwrap_or_default().lines().filter(|line| line.contains(&mark)).collect()
}

/// The processes in a network namespace: while there is one, the namespace is there too.
fn members(namespace: u64) -> String {
    let all = fs::read_dir("/proc").expect("/proc is there").flatten().map(|entry| entry.path());
    let inside = all
        .filter(|path| fs::metadata(path.join("ns/net")).is_ok_and(|meta| meta.ino() == namespace));
    inside.map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}
