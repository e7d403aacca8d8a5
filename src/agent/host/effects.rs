//! What a look at `/proc` proves.

use anyhow::Result;

use crate::sys::process::Process;

/// Whether nobody else traces the process. That it may be traced by us shows when we try.
pub(super) fn is_traceable(process: &Process) -> Result<bool> {
    let path = format!("/proc/{}/status", process.id());
    let status = std::fs::read_to_string(&path)?;
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    Ok(tracer.is_none_or(|tracer| tracer.trim() == "0") && may_trace(process)?)
}

/// Reading another's memory map needs the same permission as tracing it (ptrace(2), "Ptrace
/// access mode checking"), and changes nothing. Yama's restrictions are asked for separately.
fn may_trace(process: &Process) -> Result<bool> {
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let scope: u8 = yama.trim().parse().unwrap_or(0);
    let root = nix::unistd::geteuid().is_root();
    let readable = std::fs::read_link(format!("/proc/{}/exe", process.id())).is_ok();
    let child = process.stat()?.is_some_and(|stat| stat.parent == nix::unistd::getpid().as_raw());
    Ok(readable && (root && scope < 3 || scope == 0 || scope == 1 && child))
}
