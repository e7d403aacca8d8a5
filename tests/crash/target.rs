//! A process to do things to: this test program, with threads of its own, in a control group of
//! its own.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the program that it is the target and no test.
const ROLE: &str = "SHAKEDOWN_TEST_TARGET";

/// The target; it is killed when this is dropped, and ends by itself when this process does.
pub(super) struct Target {
    child: Child,
    group: PathBuf,
}

impl Target {
    /// Starts it in a new control group of this name, at the top of the version 2 tree.
    pub(super) fn start(tree: &Path, name: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["crash::target::waits", "--exact", "--nocapture", "--test-threads=2"])
            .env_clear()
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this program can be started again");
        let group = tree.join(name);
        std::fs::create_dir(&group).expect("a control group can be made");
        std::fs::write(group.join("cgroup.procs"), child.id().to_string()).expect("it can move");
        let mut ready = [0];
        while ready != *b"!" {
            let stdout = child.stdout.as_mut().expect("it is piped");
            stdout.read_exact(&mut ready).expect("the target says that it is ready");
        }
        Self { child, group }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its control group.
    pub(super) fn group(&self) -> &Path {
        &self.group
    }

    /// Kills it. Its tracer learns of its end before this process does.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits for its end; whether it came in time.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.signal() == Some(9),
                _ if Instant::now() > deadline => return false,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Whether it is there and runs or sleeps, with all its threads.
    pub(super) fn state(&self) -> String {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid()));
        let stats = tasks.into_iter().flatten().flatten();
        let mut letters: Vec<char> = stats
            .filter_map(|task| {
                let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
                stat.rsplit_once(") ")?.1.chars().next()
            })
            .map(|letter| if "RSD".contains(letter) { 'S' } else { letter })
            .collect();
        letters.sort_unstable();
        letters.into_iter().collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
        // Only a cell that failed leaves groups in there.
        for inner in std::fs::read_dir(&self.group).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir(inner.path());
        }
        let deadline = Instant::now() + Duration::from_secs(1);
        while std::fs::remove_dir(&self.group).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The target itself; as a test it is nothing.
#[test]
fn waits() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    std::thread::spawn(|| park_forever());
    println!("!");
    let mut end = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut end);
}

fn park_forever() -> ! {
    loop {
        std::thread::park();
    }
}
