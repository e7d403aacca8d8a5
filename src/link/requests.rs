//! Requests and answers over a stream, and what the agent says unasked.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::agent::{Answer, FromAgent, Notice, Request, ToAgent, write_frame};
use crate::spec::quantity::Signal;
use crate::sys::process::Process;

/// The agent has ended, or did not answer and was ended.
#[derive(Debug, thiserror::Error)]
#[error("the agent is lost: {0}")]
pub struct AgentLost(String);

type Pending = Rc<RefCell<BTreeMap<u64, oneshot::Sender<Result<Answer, String>>>>>;

/// A controller's end of the connection to an agent.
pub struct Link {
    process: Process,
    folder: PathBuf,
    writer: Rc<Mutex<OwnedWriteHalf>>,
    pending: Pending,
    last: Cell<u64>,
    notices: RefCell<Option<mpsc::UnboundedReceiver<Notice>>>,
}

/// How long an answer is waited for beyond what the request itself may take.
const PATIENCE: Duration = Duration::from_secs(15);

impl Link {
    pub(super) fn new(stream: StdStream, process: Process, folder: PathBuf) -> Result<Self> {
        stream.set_nonblocking(true).context("cannot use the agent's socket")?;
        let (reader, writer) =
            UnixStream::from_std(stream).context("cannot use the agent's socket")?.into_split();
        let pending = Pending::default();
        let (sender, notices) = mpsc::unbounded_channel();
        tokio::task::spawn_local(listen(reader, Rc::clone(&pending), sender));
        Ok(Self {
            process,
            folder,
            writer: Rc::new(Mutex::new(writer)),
            pending,
            last: Cell::new(0),
            notices: RefCell::new(Some(notices)),
        })
    }

    /// What the agent says unasked; the stream ends when the agent does. Can be taken once.
    #[must_use]
    pub fn take_notices(&self) -> Option<mpsc::UnboundedReceiver<Notice>> {
        self.notices.borrow_mut().take()
    }

    /// Tells the agent, from time to time, that its controller lives. It goes on until the link
    /// is dropped.
    pub fn keep_alive(&self, every: Duration) {
        let writer = Rc::downgrade(&self.writer);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(writer) = writer.upgrade() else { return };
                let mut frame = Vec::new();
                let word = ToAgent { seq: 0, request: Request::Heartbeat };
                // A failure shows with the next request, which somebody waits for.
                if write_frame(&mut frame, &word).is_ok() {
                    let _ = writer.lock().await.write_all(&frame).await;
                }
            }
        });
    }

    /// The run's folder, whose journal the agent keeps.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Asks, and waits for the answer. The error is [`AgentLost`] if there is nobody to answer,
    /// else the agent's own.
    pub async fn request(&self, request: Request) -> Result<Answer> {
        self.request_within(request, Duration::ZERO).await
    }

    /// The same for a request that may take this long by itself.
    pub async fn request_within(&self, request: Request, takes: Duration) -> Result<Answer> {
        let seq = self.last.get() + 1;
        self.last.set(seq);
        let (sender, receiver) = oneshot::channel();
        self.pending.borrow_mut().insert(seq, sender);
        let mut frame = Vec::new();
        write_frame(&mut frame, &ToAgent { seq, request }).context("cannot form the request")?;
        let sent = self.writer.lock().await.write_all(&frame).await;
        sent.map_err(|error| AgentLost(format!("it does not listen any more ({error})")))?;
        match tokio::time::timeout(takes + PATIENCE, receiver).await {
            Ok(Ok(answer)) => answer.map_err(|reason| anyhow!(reason)),
            Ok(Err(_)) => Err(AgentLost("it ended".to_owned()).into()),
            Err(_) => {
                self.end();
                let waited = takes + PATIENCE;
                Err(AgentLost(format!("it did not answer within {waited:?} and was ended")).into())
            }
        }
    }

    /// Ends an agent that is of no use any more: what the kernel held for it is gone with it, and
    /// the rest stands in its journal.
    pub fn end(&self) {
        let _ = self.process.signal(Signal::KILL);
        let _ = self.process.wait_end(Duration::from_secs(2));
        self.reap();
    }

    /// Waits, briefly, for an agent that was told to close.
    pub fn wait_end(&self) {
        if !self.process.wait_end(Duration::from_secs(2)).unwrap_or(false) {
            self.end();
        }
        self.reap();
    }

    fn reap(&self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id().pid);
        let _ = nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
    }
}

async fn listen(
    mut reader: OwnedReadHalf,
    pending: Pending,
    notices: mpsc::UnboundedSender<Notice>,
) {
    while let Ok(message) = receive(&mut reader).await {
        match message {
            FromAgent::Answer { seq, answer } => {
                let waiting = pending.borrow_mut().remove(&seq);
                if let Some(waiting) = waiting {
                    let _ = waiting.send(answer);
                }
            }
            FromAgent::Notice(notice) => {
                let _ = notices.send(notice);
            }
        }
    }
    // Whoever waits for an answer learns by this that there will be none.
    pending.borrow_mut().clear();
}

async fn receive(reader: &mut OwnedReadHalf) -> std::io::Result<FromAgent> {
    let length = reader.read_u32_le().await?;
    let mut body = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    reader.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}
