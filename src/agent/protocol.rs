//! What controller and agent say to each other: one serde message a frame, over a stream.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::act::{Act, ActId, Effect, ProcessId, Reverted};
use crate::spec::quantity::Duration;

/// The version of the protocol; controller and agent are the same binary, so it must be equal.
pub const PROTOCOL: u32 = 1;
/// The longest frame in bytes.
const LONGEST: u32 = 4 << 20;

/// A message to the agent.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToAgent {
    /// Its number, which the answer repeats.
    pub seq: u64,
    /// What is asked.
    pub request: Request,
}

/// What is asked of an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// The first message.
    Hello(Hello),
    /// Could you perform such an act?
    Check(Box<Act>),
    /// Perform an act, after its undo is in the journal.
    Perform {
        /// The act's number in the run.
        id: ActId,
        /// The act.
        act: Box<Act>,
        /// Revert it by yourself after this long.
        limit: Option<Duration>,
    },
    /// Is it still in effect?
    Verify(ActId),
    /// Take it back.
    Revert(ActId),
    /// Take everything back, the newest first.
    RevertAll,
    /// Compare the state with that before the first act.
    Residue,
    /// I live.
    Heartbeat,
    /// Everything is told: close the journal and end.
    Close,
}

/// The first message.
#[derive(Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol.
    pub protocol: u32,
    /// The run's id.
    pub run: String,
    /// The experiment's title, for `status`.
    pub title: String,
    /// The run's folder, which exists.
    pub folder: PathBuf,
    /// Revert everything when nothing was heard for this long.
    pub heartbeat: Duration,
    /// Revert everything after this long, whatever is heard.
    pub limit: Duration,
    /// Values for `${secret.name}`; never written down.
    pub secrets: BTreeMap<String, String>,
    /// The control group made for this run, if the controller could make one.
    pub cgroup: Option<PathBuf>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Hello").field("run", &self.run).finish_non_exhaustive()
    }
}

/// A message from the agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromAgent {
    /// The answer to a request.
    Answer {
        /// The request's number.
        seq: u64,
        /// The answer, or why there is none, as a chain of causes.
        answer: Result<Answer, String>,
    },
    /// Something that nobody asked for.
    Notice(Notice),
}

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// To `Hello`, `Check`, `Heartbeat`, `Close`.
    Done,
    /// To `Perform` and `Verify`.
    Effect(Effect),
    /// To `Revert` and `RevertAll`: each act with what its undo came to, in the order undone.
    Undone(Vec<(ActId, Reverted)>),
    /// To `Residue`.
    Residue(Vec<String>),
}

/// Something that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A service's process runs.
    ServiceStarted {
        /// The service.
        service: String,
        /// The act that started it.
        act: ActId,
        /// Its process.
        process: ProcessId,
        /// How often it was started again.
        restarts: u32,
    },
    /// A service's process ended.
    ServiceExited {
        /// The service.
        service: String,
        /// How.
        how: String,
    },
    /// A service could not be started again.
    ServiceFailed {
        /// The service.
        service: String,
        /// Why.
        reason: String,
    },
    /// An act's time was up, and it was undone.
    Expired {
        /// The act.
        act: ActId,
        /// What its undo came to.
        reverted: Reverted,
    },
    /// The run's time was up or nothing was heard: everything was undone.
    GaveUp {
        /// Why.
        reason: String,
        /// Each act with what its undo came to.
        undone: Vec<(ActId, Reverted)>,
    },
}

/// Writes a message: its length in four bytes, little-endian, then JSON.
pub fn write_frame(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    if length > LONGEST {
        return Err(io::Error::other("the message is too long"));
    }
    if let Some(head) = frame.first_chunk_mut() {
        *head = length.to_le_bytes();
    }
    stream.write_all(&frame)
}

/// Reads a message; `None` at the end of the stream.
pub fn read_frame<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(head);
    if length > LONGEST {
        return Err(io::Error::other("the message is too long"));
    }
    let mut body = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut stream = Vec::new();
        let message = ToAgent { seq: 7, request: Request::Revert(ActId(3)) };
        write_frame(&mut stream, &message).unwrap();
        let mut stream = stream.as_slice();
        let read: ToAgent = read_frame(&mut stream).unwrap().unwrap();
        assert!(matches!(read, ToAgent { seq: 7, request: Request::Revert(ActId(3)) }));
        assert!(read_frame::<ToAgent>(&mut stream).unwrap().is_none());
    }

    #[test]
    fn a_length_beyond_the_longest_is_refused_before_memory_is_taken() {
        assert!(read_frame::<ToAgent>(&mut [0xff; 8].as_slice()).is_err());
    }
}
