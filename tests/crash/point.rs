//! The other end of `shakedown::failpoint`: waits until the program stops at a point.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A point that nobody has come to yet.
pub(super) struct Ahead {
    listener: UnixListener,
    path: PathBuf,
}

/// A process that stands at its point.
pub(super) struct Stopped {
    stream: UnixStream,
}

impl Ahead {
    pub(super) fn listen(path: PathBuf) -> Self {
        Self { listener: UnixListener::bind(&path).expect("a socket can be made"), path }
    }

    /// What `SHAKEDOWN_FAILPOINT` must be for the `count`-th hit of a point.
    pub(super) fn variable(&self, name: &str, count: u32) -> String {
        format!("{name}#{count}:{}", self.path.display())
    }

    /// Waits for the first process that comes there; none if `other` ends before. Whoever comes
    /// later finds nobody who listens, and goes on.
    pub(super) fn reached(self, other: BorrowedFd<'_>) -> Option<Stopped> {
        if !readable([self.listener.as_fd(), other], Duration::from_secs(10))[0] {
            return None;
        }
        let (stream, _) = self.listener.accept().ok()?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).ok()?;
        remove(&self.path);
        Some(Stopped { stream })
    }
}

impl Stopped {
    /// Lets it go on, with an error for its journal or (an empty answer) without.
    pub(super) fn release(mut self, answer: &str) {
        // One that was killed meanwhile does not hear it.
        let _ = self.stream.write_all(answer.as_bytes());
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).expect("the socket can be removed");
}

/// Which of these can be read; waits for the first.
pub(super) fn readable<const N: usize>(fds: [BorrowedFd<'_>; N], limit: Duration) -> [bool; N] {
    let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let limit = PollTimeout::try_from(limit).expect("the limit is short");
    poll(&mut fds, limit).expect("waiting works");
    fds.map(|fd| fd.any().unwrap_or(false))
}
