//! What the kernel says, read by other means than the tool's own.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Generous, since a loaded machine is slow: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is so.
#[track_caller]
pub(super) fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The states of all threads of a process, as in `proc_pid_stat(5)`, each once.
pub(super) fn states(pid: i32) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut letters: Vec<char> =
        tasks.filter_map(|task| field(&task.path().join("stat"), 0)?.chars().next()).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.into_iter().collect()
}

/// A field of a `stat` file, counted from the one after the name.
pub(super) fn field(stat: &Path, number: usize) -> Option<String> {
    let text = fs::read_to_string(stat).ok()?;
    text.rsplit_once(") ")?.1.split(' ').nth(number).map(str::to_owned)
}

/// Whether a process is there and no zombie.
pub(super) fn lives(pid: i32) -> bool {
    let state = field(Path::new(&format!("/proc/{pid}/stat")), 0);
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// The control groups of a process.
pub(super) fn groups(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// The process that traces it, 0 if none does.
pub(super) fn tracer(pid: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    line.unwrap_or_default().trim().to_owned()
}

/// The processes that descend from one and have this word in their command line.
pub(super) fn descendants(of: i32, word: &str) -> Vec<i32> {
    let parent = |pid: i32| field(Path::new(&format!("/proc/{pid}/stat")), 1)?.parse::<i32>().ok();
    let descends = |pid: i32| {
        std::iter::successors(Some(pid), |pid| parent(*pid).filter(|pid| *pid > 0))
            .skip(1)
            .any(|ancestor| ancestor == of)
    };
    processes(|words| words.iter().any(|it| it == word))
        .into_iter()
        .filter(|pid| descends(*pid))
        .collect()
}

/// The processes whose command line is such.
pub(super) fn processes(is: impl Fn(&[String]) -> bool) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let words = |pid: i32| -> Vec<String> {
        let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&text).split_terminator('\0').map(str::to_owned).collect()
    };
    let mut found: Vec<i32> = pids.filter(|pid| is(&words(*pid)) && lives(*pid)).collect();
    found.sort_unstable();
    found
}
