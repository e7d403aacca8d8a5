//! Data from socket to socket without a copy (splice(2)).

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The largest that `/proc/sys/fs/pipe-max-size` allows by default.
const CAPACITY: usize = 1 << 20;

/// What data goes through between two sockets. After each fill it must be drained.
pub(super) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A smaller pipe does as well, only slower.
        let _ = fcntl_setpipe_size(&writer, CAPACITY);
        Ok(Self { reader, writer })
    }

    /// Takes in what is there, `limit` bytes at most, and waits for it; 0 at the end of the data.
    pub(super) async fn fill(&self, from: &TcpStream, limit: u64) -> io::Result<usize> {
        let limit = usize::try_from(limit).unwrap_or(CAPACITY).min(CAPACITY);
        let fill = || Ok(splice(from, None, &self.writer, None, limit, Self::flags())?);
        from.async_io(Interest::READABLE, fill).await
    }

    /// Gives out as many bytes as were taken in.
    pub(super) async fn drain(&self, to: &TcpStream, mut length: usize) -> io::Result<()> {
        while length > 0 {
            let drain = || Ok(splice(&self.reader, None, to, None, length, Self::flags())?);
            length -= to.async_io(Interest::WRITABLE, drain).await?;
        }
        Ok(())
    }

    const fn flags() -> SpliceFlags {
        SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK)
    }
}
