//! Several processes that one word of their command lines tells from all others.

use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::target::Target;

/// The processes; killed when this is dropped.
pub(super) struct Pool {
    word: String,
    targets: Vec<Target>,
    /// With a pipe that nobody writes to: what they wait for without a child.
    _folder: tempfile::TempDir,
}

impl Pool {
    /// So many.
    pub(super) fn of(count: usize) -> Self {
        let word = format!("pool-{}-{:x}", std::process::id(), rand::random::<u64>());
        let folder = tempfile::tempdir().expect("a folder can be made");
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).expect("a pipe can be made");
        let member = |_| {
            let script = "echo; read line <\"$FIFO\"";
            Target::start(Command::new("sh").args(["-c", script, "sh", &word]).env("FIFO", &fifo))
        };
        Self { targets: (0..count).map(member).collect(), word, _folder: folder }
    }

    /// The word.
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// Its processes in the order of their birth.
    pub(super) fn targets(&mut self) -> &mut [Target] {
        &mut self.targets
    }
}
