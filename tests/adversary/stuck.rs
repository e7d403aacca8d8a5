//! A fault that cannot be undone: a load whose worker somebody froze, so that not even SIGKILL ends it.

use std::fs;
use std::path::PathBuf;

use super::{agents, experiment, injected};
use crate::support::{Sandbox, skip, skip_unless_root};

/// A group of the version 1 freezer, which SIGKILL does not get through.
struct Frost(PathBuf);

impl Frost {
    fn new() -> Option<Self> {
        let group =
            PathBuf::from(format!("/sys/fs/cgroup/freezer/adversary-{}", std::process::id()));
        fs::create_dir(&group).ok()?;
        group.join("freezer.state").exists().then_some(Self(group))
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).expect("it is ours");
    }
}

impl Drop for Frost {
    /// Its processes are dead when it can be removed.
    fn drop(&mut self) {
        self.set("THAWED");
        while fs::remove_dir(&self.0).is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY))
        {
            std::thread::yield_now();
        }
    }
}

fn child_of(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").expect("it is mounted").flatten();
    let mut pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let of = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        of == Some(parent) && command.contains("stress-worker")
    })
}

/// Nothing is put on top of it, nothing is run after it, and not even a lost report hides it.
#[test]
fn a_failed_undo_is_the_end_of_it_all() {
    if skip_unless_root() {
        return;
    }
    let Some(frost) = Frost::new() else { return skip("this host has no freezer of version 1") };
    let text = experiment("a", "[sleep, '600']", "20/s", "1s");
    let load = "method: [{ target: { service: s }, fault: { cpu-stress: { cores: 1, load: 5% } }, for: 2s },";
    let sandbox =
        Sandbox::new().file("a.yaml", &text.replace("method: [", load)).file("b.yaml", &text);
    let (run, _) = injected(&sandbox, &["--report", "json=/dev/full", "a.yaml", "b.yaml"]);
    let worker = child_of(*agents(&sandbox).first().expect("it has an agent")).expect("a worker");
    fs::write(frost.0.join("cgroup.procs"), worker.to_string()).expect("root may");
    frost.set("FROZEN");
    let output = run.wait_with_output().expect("ours");
    let told = String::from_utf8_lossy(&output.stderr);
    drop(frost);
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(!told.contains("process-pause"), "{told}");
    let after = sandbox.run(["status"]);
    assert_eq!(after.code, Some(0), "{after}");
}
