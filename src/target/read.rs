//! Details of one process, each read when it is asked for.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::table::Row;
use super::user::Users;
use super::{Namespaces, Process, cgroup};
use crate::act::NamespaceId;

/// The variable of the environment that marks agents of this tool and their helpers.
const AGENT_MARKER: &[u8] = b"SHAKEDOWN_AGENT=";
/// The variable that marks services of a run.
const SERVICE_MARKER: &[u8] = b"SHAKEDOWN_SERVICE=";

/// Whether a file below `/proc/PID` cannot be read because the process is gone, or hidden from us
/// (`hidepid` of proc(5)).
pub(super) fn is_out_of_sight(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        || error.raw_os_error() == Some(libc::ESRCH)
}

/// Everything of a process; `None` if it is gone, or has made way for another, meanwhile.
pub(super) fn process(row: &Row, users: &Users) -> Option<Process> {
    let status = status(row.id.pid)?;
    let cgroups = cgroups(row.id.pid);
    let process = Process {
        id: row.id,
        parent: row.parent,
        name: row.name.clone(),
        exe: exe(row.id.pid),
        command: command(row.id.pid),
        uid: status.uid,
        user: users.name(status.uid),
        unit: cgroup::unit(&cgroups),
        cgroups,
        state: row.state,
        tracer: status.tracer,
        namespace_pids: status.namespace_pids,
    };
    let again = Row::read(row.id.pid).ok()??;
    (again.id == row.id).then_some(process)
}

/// The lines of `/proc/PID/status` that are used here; the rest is not worth its parsing.
pub(super) struct Status {
    pub(super) process: i32,
    pub(super) uid: u32,
    pub(super) tracer: Option<i32>,
    pub(super) namespace_pids: Vec<i32>,
}

/// Reads `/proc/PID/status`.
pub(super) fn status(pid: i32) -> Option<Status> {
    let bytes = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace())
    };
    Some(Status {
        process: field("Tgid:")?.next()?.parse().ok()?,
        // Real, effective, saved, file system: proc_pid_status(5).
        uid: field("Uid:")?.nth(1)?.parse().ok()?,
        tracer: field("TracerPid:")
            .and_then(|mut pids| pids.next()?.parse().ok())
            .filter(|pid| *pid != 0),
        namespace_pids: field("NSpid:")
            .map(|pids| pids.filter_map(|pid| pid.parse().ok()).collect())
            .unwrap_or_default(),
    })
}

/// The executable. A file that was replaced since keeps the path it had.
pub(super) fn exe(pid: i32) -> Option<PathBuf> {
    let path = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let bytes = path.as_os_str().as_bytes();
    let kept = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(kept)))
}

/// The command line's words.
pub(super) fn command(pid: i32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The control groups.
pub(super) fn cgroups(pid: i32) -> Vec<String> {
    cgroup::paths(&std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default())
}

/// Whether the process belongs to this tool: an agent or its helper by its environment, a
/// controller of whatever version by its name. The services of a run are no part of the tool.
pub(super) fn is_tool(pid: i32, name: &str) -> bool {
    let file = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let environment = file("environ");
    let has = |marker: &[u8]| environment.split(|byte| *byte == 0).any(|it| it.starts_with(marker));
    let is_demo = || file("cmdline").split(|byte| *byte == 0).nth(1) == Some(b"demo");
    has(AGENT_MARKER) || name == env!("CARGO_PKG_NAME") && !has(SERVICE_MARKER) && !is_demo()
}

/// The namespaces; `pid` may be `self`.
pub(super) fn namespaces(pid: impl std::fmt::Display) -> Namespaces {
    let of = |kind: &str| {
        let file = std::fs::metadata(format!("/proc/{pid}/ns/{kind}")).ok()?;
        Some(NamespaceId { dev: file.dev(), ino: file.ino() })
    };
    Namespaces { net: of("net"), pid: of("pid"), mnt: of("mnt") }
}
