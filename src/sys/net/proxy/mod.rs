//! A transparent proxy: a thread of this process in a target's network namespace, to which a packet
//! filter redirects connections. It asks the kernel where each was to go, and goes there.
//!
//! All its sockets live in the namespace and die with the thread, and with the process. Connections
//! through it then break: both sides are reset, so that nobody takes half of an answer for all of it.
//! The server sees connections from its own host, not from the client's.

mod alarm;
mod dice;
mod ends;
mod http;
mod pipe;
mod stream;
mod tally;
mod tcp;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::oneshot;

use super::Namespace;
use crate::act::ProxyWork;
use crate::sys::open_files;
pub use tally::{Counter, Tally};

/// How long the thread may take to end: it only has to close its sockets.
const PATIENCE: Duration = Duration::from_secs(1);

/// A proxy that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    tally: Arc<Tally>,
    stop: Option<oneshot::Sender<()>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Proxy {
    /// Starts it in the namespace, on a port of its own choice. Where connections go on to, they are
    /// marked with `mark`, so that what redirects leaves them alone.
    pub fn start(namespace: &Namespace, work: &ProxyWork, seed: u64, mark: u32) -> Result<Self> {
        open_files::raise();
        let tally = Arc::new(Tally::default());
        let shop = work::Shop::new(work, seed, mark, Arc::clone(&tally))?;
        let (stop, stopped) = oneshot::channel();
        let (started, port) = mpsc::channel();
        let (leave, ended) = mpsc::channel();
        let run = move || {
            // Dropped last, which tells that all is closed.
            let _leave = leave;
            shop.run(&started, stopped)
        };
        let thread = namespace.start_in("proxy", run)?;
        let Ok(port) = port.recv() else {
            let ended = thread.join().unwrap_or_else(|_| Err(anyhow!("it broke down")));
            return Err(ended.err().unwrap_or_else(|| anyhow!("it ended at once")))
                .context("the proxy did not start");
        };
        Ok(Self { port, tally, stop: Some(stop), ended, thread: Some(thread) })
    }

    /// The port it listens on, in both families.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it has seen and done so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends it: all its sockets are closed when this returns.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return Ok(()) };
        if let Err(mpsc::RecvTimeoutError::Timeout) = self.ended.recv_timeout(PATIENCE) {
            bail!("the proxy on port {} does not end within {PATIENCE:?}", self.port);
        }
        match thread.join() {
            Ok(ended) => ended,
            Err(_) => bail!("the proxy on port {} had broken down", self.port),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
