//! Points where a test stops the program to do its worst: kill it, fail its disk, end its target.
//!
//! With the feature `failpoints`, `SHAKEDOWN_FAILPOINT=NAME#N:SOCKET` makes the N-th [`hit`] of
//! that name in a process (the first, without `#N`) connect to the Unix socket, write `NAME PID`,
//! and wait for an answer. The end of the stream lets it go on; `EIO` or `ENOSPC` does so too, and
//! makes every [`error`] of that process fail with it from then on; `PANIC` panics. The agent
//! inherits the variable. Without the feature this is nothing at all.

/// Stops here if a test asked for it.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn hit(_: &str) {}

/// An error to return here if a test asked for it, now or at an earlier point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn error(_: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub use armed::{error, hit};

#[cfg(feature = "failpoints")]
mod armed {
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

    static HITS: AtomicU32 = AtomicU32::new(0);
    /// The number of the error that the journal's disk has from now on; none is 0.
    static FAILING: AtomicI32 = AtomicI32::new(0);

    /// Stops here if a test asked for it.
    ///
    /// # Panics
    /// If that is what the test asked for.
    #[expect(clippy::panic, reason = "a test asked for it")]
    pub fn hit(name: &str) {
        match stop(name).as_deref() {
            Some("ENOSPC") => FAILING.store(libc::ENOSPC, Ordering::Relaxed),
            Some("EIO") => FAILING.store(libc::EIO, Ordering::Relaxed),
            Some("PANIC") => panic!("a test wants a panic at {name}"),
            _ => {}
        }
    }

    /// An error to return here if a test asked for it, now or at an earlier point.
    pub fn error(name: &str) -> io::Result<()> {
        hit(name);
        match FAILING.load(Ordering::Relaxed) {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    fn stop(name: &str) -> Option<String> {
        let wanted = std::env::var("SHAKEDOWN_FAILPOINT").ok()?;
        let (point, socket) = wanted.split_once(':')?;
        let (point, count) = point.split_once('#').unwrap_or((point, "1"));
        if point != name || HITS.fetch_add(1, Ordering::Relaxed) + 1 != count.parse::<u32>().ok()? {
            return None;
        }
        let mut stream = UnixStream::connect(socket).ok()?;
        writeln!(stream, "{name} {}", std::process::id()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }
}
