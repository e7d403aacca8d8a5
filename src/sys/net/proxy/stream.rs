//! The two ends of a connection through the proxy, and passing data between them.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::pipe::Pipe;

/// How much is read at once. Whoever sends this much at once sends much.
pub(super) const CHUNK: usize = 16 * 1024;

/// How a connection ends other than by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What was sent arrives, and then the end.
    InOrder,
    /// Both sides are told that it broke.
    Reset,
}

impl From<io::Error> for Ending {
    fn from(_: io::Error) -> Self {
        Self::Reset
    }
}

impl From<Broken> for Ending {
    fn from(_: Broken) -> Self {
        Self::Reset
    }
}

/// Which side of a passage broke.
#[derive(Debug)]
pub(super) enum Broken {
    /// Where data comes from.
    Source,
    /// Where it goes.
    Sink,
}

/// What comes from one side, with what was read and not used yet.
pub(super) struct Source<'a> {
    half: ReadHalf<'a>,
    pub(super) buffer: BytesMut,
    /// Made when there is much to pass.
    pipe: Option<Pipe>,
}

impl Source<'_> {
    /// Reads what is there, and waits for it; 0 at the end of the data.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(CHUNK);
        self.half.read_buf(&mut self.buffer).await
    }

    /// Passes what is there without a copy, `limit` bytes at most, and waits for it; 0 at the end of
    /// the data. The buffer must be empty.
    pub(super) async fn splice(
        &mut self,
        sink: &WriteHalf<'_>,
        limit: u64,
    ) -> Result<usize, Broken> {
        let pipe = match self.pipe.take() {
            Some(pipe) => pipe,
            None => Pipe::new().map_err(|_| Broken::Source)?,
        };
        let length = pipe.fill(self.half.as_ref(), limit).await.map_err(|_| Broken::Source)?;
        pipe.drain(sink.as_ref(), length).await.map_err(|_| Broken::Sink)?;
        // Only an empty one is used again.
        self.pipe = Some(pipe);
        Ok(length)
    }
}

/// One side.
pub(super) struct Peer<'a> {
    pub(super) source: Source<'a>,
    pub(super) sink: WriteHalf<'a>,
}

impl<'a> Peer<'a> {
    pub(super) fn new(stream: &'a mut TcpStream) -> Self {
        let (half, sink) = stream.split();
        Self { source: Source { half, buffer: BytesMut::with_capacity(CHUNK), pipe: None }, sink }
    }
}

/// Passes everything both ways until both sides have ended.
pub(super) async fn relay(client: &mut Peer<'_>, server: &mut Peer<'_>) -> Result<(), Ending> {
    let up = pass(&mut client.source, &mut server.sink);
    let down = pass(&mut server.source, &mut client.sink);
    tokio::try_join!(up, down)?;
    Ok(())
}

/// Passes everything one way, and then the end.
pub(super) async fn pass(source: &mut Source<'_>, sink: &mut WriteHalf<'_>) -> Result<(), Ending> {
    loop {
        let mut length = source.buffer.len();
        sink.write_all(&source.buffer).await?;
        source.buffer.clear();
        while length >= CHUNK {
            length = source.splice(sink, u64::MAX).await?;
        }
        if source.fill().await? == 0 {
            return Ok(sink.shutdown().await?);
        }
    }
}
