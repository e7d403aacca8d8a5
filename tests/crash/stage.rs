//! What a cell is played on: a target, a bystander, a disk, a place for the controller.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use shakedown::agent::{History, read_history};

use super::controller::Controller;
use super::experiment::{experiment, pace};
use super::point::Ahead;
use super::table::{Cell, Event, Fault};
use super::target::Target;
use crate::support::Sandbox;

/// The version 2 tree of control groups.
pub(super) const TREES: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// What a cell is played on.
pub(super) struct Stage {
    sandbox: Sandbox,
    target: Option<Target>,
    bystander: TcpListener,
    disk: Option<PathBuf>,
    group: Option<PathBuf>,
    /// The network namespace of the run's service, once it was seen. It is held open, since the
    /// next namespace may get the number of one that is gone.
    namespace: Option<File>,
}

/// After how long without a word the agents here give up.
pub(super) fn heartbeat() -> Duration {
    Duration::from_secs(1) * pace()
}

/// The version 2 tree of this host, where groups can be made.
pub(super) fn tree() -> Option<&'static Path> {
    TREES.map(Path::new).into_iter().find(|tree| tree.join("cgroup.procs").exists())
}

/// A network of its own for this thread and what it starts, which has nothing but `lo`.
pub(super) fn own_network() {
    unshare(CloneFlags::CLONE_NEWNET).expect("root may have a network of its own");
    let status = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    assert!(status.is_ok_and(|status| status.success()), "`ip link set lo up` works");
}

/// A view of the mounts of its own for this thread and what it starts.
pub(super) fn own_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("root may have mounts of its own");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("and keep them");
}

impl Stage {
    pub(super) fn set(cell: Cell) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tree = tree().expect("the matrix is skipped without it");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("crash-{}-{number}", std::process::id());
        let sandbox = Sandbox::new();
        let target_name = format!("{name}-target");
        let target = match cell.fault {
            fault if fault.is_on_a_service() => None,
            fault if fault.has_own_network() => Some(Target::start_in_network(tree, &target_name)),
            _ => Some(Target::start(tree, &target_name)),
        };
        let bystander = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        // Nobody accepts; the queue holds all that comes.
        rustix::net::listen(&bystander, 4096).expect("its queue can be longer");
        let disk = (cell.fault == Fault::Fill).then(|| new_disk(&sandbox));
        let group = (cell.event == Event::KillGroup).then(|| tree.join(name)).inspect(|group| {
            std::fs::create_dir(group).expect("a control group can be made");
        });
        Self { sandbox, target, bystander, disk, group, namespace: None }
    }

    pub(super) fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub(super) fn target_mut(&mut self) -> Option<&mut Target> {
        self.target.as_mut()
    }

    /// An address that accepts connections, whatever happens to the target.
    pub(super) fn bystander(&self) -> SocketAddr {
        self.bystander.local_addr().expect("it listens")
    }

    /// The directory to fill.
    pub(super) fn disk(&self) -> Option<&Path> {
        self.disk.as_deref()
    }

    /// The control group of the controller.
    pub(super) fn group(&self) -> Option<&Path> {
        self.group.as_deref()
    }

    /// The number of the network namespace of the run's service, if it has one of its own.
    pub(super) fn namespace(&self) -> Option<u64> {
        self.namespace.as_ref().map(inode)
    }

    /// The service of the run, from its journal, and what only its life can tell.
    pub(super) fn meet_service(&mut self) -> Option<i32> {
        let history = self.history()?;
        let pid =
            history.acts().find_map(|(_, entry)| Some(entry.observed.processes.last()?.pid))?;
        let theirs = File::open(format!("/proc/{pid}/ns/net")).ok()?;
        let ours = File::open("/proc/thread-self/ns/net").ok()?;
        self.namespace = Some(theirs).filter(|theirs| inode(theirs) != inode(&ours));
        Some(pid)
    }

    /// Waits until the agent has undone these many acts by itself, a heartbeat after it was let
    /// alone. One that has nothing to undo shows nothing, so the heartbeat is always waited for.
    pub(super) fn await_surrender(&self, acts: u32, heartbeat: Duration) -> Result<(), String> {
        std::thread::sleep(heartbeat + Duration::from_millis(100));
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let history = self.history().ok_or("the journal is gone")?;
            let mut all = history.acts().filter(|(id, _)| id.0 > 0);
            if all.by_ref().count() >= acts as usize
                && history.open().iter().all(|(id, _)| id.0 == 0)
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("the agent does not give up: {:?}", history.open()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    pub(super) fn state_folder(&self) -> PathBuf {
        self.sandbox.state()
    }

    /// The folder of the one run that there was.
    pub(super) fn run_folder(&self) -> Option<PathBuf> {
        let mut runs = std::fs::read_dir(self.sandbox.state().join("runs")).ok()?.flatten();
        runs.next().map(|entry| entry.path())
    }

    /// What the run's journal tells.
    pub(super) fn history(&self) -> Option<History> {
        read_history(&self.run_folder()?).ok()
    }

    /// Starts the run, with this point ahead of it.
    pub(super) fn start(&self, cell: Cell, ahead: &Ahead, name: &str, count: u32) -> Controller {
        let file = self.path("experiment.yaml");
        std::fs::write(&file, experiment(cell, self)).expect("a file is written");
        let heartbeat = format!("{}s", heartbeat().as_secs());
        let run = ["run", "experiment.yaml", "--yes", "--heartbeat", heartbeat.as_str()];
        let run = self.sandbox.command(run);
        let mut command = match &self.group {
            None => run,
            Some(group) => within(&run, group),
        };
        // The end of the test's pipe is what SIGHUP comes with; a file keeps the words for a report.
        let output = |name: &str| match cell.event {
            Event::HangUp => Stdio::piped(),
            _ => File::create(self.path(name)).expect("a file is made").into(),
        };
        if cell.fault.has_own_network() {
            // No network fault may need a program.
            command.env("PATH", "");
        }
        let child = command
            .env("SHAKEDOWN_FAILPOINT", ahead.variable(name, count))
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .expect("the program starts");
        Controller::new(child)
    }

    /// `shakedown status`, on the same state.
    pub(super) fn status(&self) -> crate::support::Output {
        self.sandbox.run(["status"])
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            let _ = umount2(disk, MntFlags::MNT_DETACH);
        }
        if let Some(group) = &self.group {
            let _ = std::fs::remove_dir(group);
        }
    }
}

fn inode(file: &File) -> u64 {
    file.metadata().expect("an open file has metadata").ino()
}

/// A file system of its own, in memory.
fn new_disk(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.path("disk");
    std::fs::create_dir(&path).expect("a folder is made");
    mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some("size=16m"))
        .expect("root may mount");
    path
}

/// The same program, in this control group from its start.
fn within(command: &Command, group: &Path) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg("echo $$ >\"$0/cgroup.procs\" && exec \"$@\"").arg(group);
    shell.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}
