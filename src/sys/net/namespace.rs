//! A network namespace behind a file descriptor, whatever becomes of its processes and names.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::fstat;
use nix::unistd::geteuid;

use super::{RouteSocket, set_up};
use crate::act::NamespaceId;

/// The index that the kernel gives `lo` in every network namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK: u32 = 1;

/// A network namespace that lives at least as long as this value. The descriptor is closed on exec.
#[derive(Debug)]
pub struct Namespace {
    descriptor: OwnedFd,
    id: NamespaceId,
}

impl Namespace {
    /// The namespace of a process in our PID namespace.
    pub fn of_process(pid: i32) -> Result<Self> {
        Self::open(Path::new(&format!("/proc/{pid}/ns/net")))
    }

    /// The namespace of the calling thread.
    pub fn current() -> Result<Self> {
        Self::open(Path::new("/proc/thread-self/ns/net"))
    }

    /// A new namespace with `lo` up, held by nothing but this value.
    pub fn create() -> Result<Self> {
        let made = on_own_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .context("cannot make a network namespace; it takes root (CAP_SYS_ADMIN)")?;
            Self::current()
        })??;
        set_up(&RouteSocket::open(&made)?, LOOPBACK)?;
        Ok(made)
    }

    /// The namespace with this identity, by way of a process in it or of a mount that holds it.
    /// `None` when there is neither: then it is gone, or held by open descriptors only, which
    /// nobody but their holder can enter. Without root, what we may not look at is an error.
    pub fn find(id: NamespaceId) -> Result<Option<Self>> {
        let mut barred = None;
        for path in process_namespaces()?.into_iter().chain(mounted_namespaces()?) {
            match Self::open(&path) {
                Ok(namespace) if namespace.id == id => return Ok(Some(namespace)),
                // What bars root too has more capabilities than we, such as a machine's PID 1
                // beside a confined root. Those are at home in the host's own namespace.
                Err(error) if is_denied(&error) && !geteuid().is_root() => barred = Some(error),
                // Another one, or one whose process ended meanwhile.
                Ok(_) | Err(_) => {}
            }
        }
        match barred {
            Some(error) => Err(error.context(format!("cannot tell whether {id} still exists"))),
            None => Ok(None),
        }
    }

    /// What tells it from every other namespace of this boot that exists at the same time.
    #[must_use]
    pub const fn id(&self) -> NamespaceId {
        self.id
    }

    /// Runs a function in the namespace, on a thread of its own that ends with it: no other code
    /// ever finds itself in a foreign namespace. Sockets opened there stay bound to the namespace.
    pub fn run_in<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T> {
        // Whoever is there already need not enter it, which takes a privilege.
        if Self::current()?.id == self.id {
            return Ok(act());
        }
        on_own_thread(|| {
            self.enter()?;
            Ok(act())
        })?
    }

    /// Starts a thread in the namespace, which keeps it alive until it ends.
    pub fn start_in<T: Send + 'static>(
        &self,
        name: &str,
        act: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<JoinHandle<Result<T>>> {
        let descriptor = self.descriptor.try_clone().context("cannot hold a network namespace")?;
        let there = Self { descriptor, id: self.id };
        let enter_and_act = move || {
            there.enter()?;
            drop(there);
            act()
        };
        thread::Builder::new()
            .name(name.into())
            .spawn(enter_and_act)
            .context("cannot start a thread for a network namespace")
    }

    /// Becomes a command in the namespace, with variables beside those of this process; returns
    /// only if that fails.
    pub fn exec(
        &self,
        command: &[OsString],
        environment: &[(&str, &str)],
    ) -> Result<std::convert::Infallible> {
        let (program, arguments) = command.split_first().context("there is no command")?;
        // Whichever thread executes it is the only one that is left, with its namespace.
        let error = self.run_in(|| {
            Command::new(program).args(arguments).envs(environment.iter().copied()).exec()
        })?;
        Err(error).with_context(|| format!("cannot run `{}`", program.display()))
    }

    fn enter(&self) -> Result<()> {
        setns(&self.descriptor, CloneFlags::CLONE_NEWNET).with_context(|| {
            format!("cannot enter the network namespace {}; it takes CAP_SYS_ADMIN", self.id)
        })?;
        let now = Self::current()?.id;
        ensure!(now == self.id, "entered the network namespace {} and landed in {now}", self.id);
        Ok(())
    }

    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = || format!("cannot open the network namespace {}", path.display());
        let descriptor = OwnedFd::from(File::open(path).with_context(fail)?);
        let stat = fstat(&descriptor).with_context(fail)?;
        Ok(Self { descriptor, id: NamespaceId { dev: stat.st_dev, ino: stat.st_ino } })
    }
}

impl From<Namespace> for OwnedFd {
    fn from(namespace: Namespace) -> Self {
        namespace.descriptor
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Runs a function on a plain thread. A panic in it goes on in the caller.
fn on_own_thread<T: Send>(act: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let started = thread::Builder::new().name("netns".into()).spawn_scoped(scope, act);
        match started.context("cannot start a thread for a network namespace")?.join() {
            Ok(value) => Ok(value),
            Err(cause) => panic::resume_unwind(cause),
        }
    })
}

fn is_denied(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
}

fn process_namespaces() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir("/proc").context("cannot list /proc")?;
    Ok(entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .map(|entry| entry.path().join("ns/net"))
        .collect())
}

/// Mount points of nsfs, such as those of `ip netns` below `/run/netns` (proc(5), mountinfo).
fn mounted_namespaces() -> Result<Vec<PathBuf>> {
    let mounts = procfs::process::Process::myself()
        .and_then(|process| process.mountinfo())
        .context("cannot read /proc/self/mountinfo")?;
    Ok(mounts
        .into_iter()
        .filter(|mount| mount.fs_type == "nsfs")
        .map(|mount| mount.mount_point)
        .collect())
}
