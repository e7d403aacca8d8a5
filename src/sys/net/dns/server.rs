//! The thread that answers, in the target's network namespace.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::super::Namespace;
use super::conntrack::Connections;
use super::ear::{Ear, Ears};
use super::judge::{Counts, Judge};
use super::{tcp, udp};
use crate::act::FailDns;

/// The bit in the mark of packets that we send ourselves (`SO_MARK`, socket(7)), which no redirect
/// takes.
pub const OUR_MARK: u32 = 1 << 26;

/// How many questions may wait at a time; those beyond are lost, as with any name server.
const MOST_WAITING: u32 = 4096;

/// A server of false answers. It hears what is redirected to its port; whoever made the redirect
/// removes it before this is dropped. Its sockets end with it, and with this process.
#[derive(Debug)]
pub struct DnsServer {
    port: u16,
    has_ipv6: bool,
    zone: u16,
    judge: Arc<Judge>,
    phase: watch::Sender<Phase>,
    /// Hears when nobody waits any more.
    idle: mpsc::Receiver<()>,
    thread: Option<JoinHandle<Result<()>>>,
}

/// What the server is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It answers falsely.
    Failing,
    /// It passes everything on, what waits as well.
    Draining,
    /// It ends.
    Ended,
}

/// What everybody who serves a question has.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) judge: Arc<Judge>,
    pub(super) phase: watch::Receiver<Phase>,
    places: Arc<Semaphore>,
}

impl DnsServer {
    /// Starts it in a namespace; it listens when this returns.
    pub fn start(namespace: &Namespace, fault: &FailDns) -> Result<Self> {
        let ears = namespace.run_in(Ears::open)??;
        let (port, has_ipv6) = (ears.port, ears.six.is_some());
        let judge = Arc::new(Judge::new(fault));
        let (phase, seen) = watch::channel(Phase::Failing);
        let (tell_idle, idle) = mpsc::sync_channel(1);
        let places = Arc::new(Semaphore::new(MOST_WAITING as usize));
        let desk = Desk { judge: Arc::clone(&judge), phase: seen, places };
        let thread = namespace.start_in("dns", move || run(ears, &desk, &tell_idle))?;
        // Another one each time: connections of an earlier server that the kernel still knows lead
        // to its port, where nobody listens.
        let zone = rand::random_range(1..=u16::MAX);
        Ok(Self { port, has_ipv6, zone, judge, phase, idle, thread: Some(thread) })
    }

    /// The port of the loopback interface where it listens, for UDP and TCP.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it listens at `::1` as well as at `127.0.0.1`.
    #[must_use]
    pub const fn has_ipv6(&self) -> bool {
        self.has_ipv6
    }

    /// The zone of connection tracking that redirected questions are to be in.
    #[must_use]
    pub const fn zone(&self) -> u16 {
        self.zone
    }

    /// What it was asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.judge.counts()
    }

    /// Whether it still answers.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// From now on passes everything on at once, and waits at most this long until nobody waits
    /// for an answer: what is still on its way when the redirect goes would never arrive.
    pub fn drain(&self, limit: Duration) {
        self.judge.end();
        self.phase.send_replace(Phase::Draining);
        // An error means that the limit is over or the thread is; either ends the wait.
        let _ = self.idle.recv_timeout(limit);
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Ended);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    /// A place to wait at; `None` if all are taken, which is counted.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        if place.is_none() {
            self.judge.lose();
        }
        place
    }

    /// Waits, but not beyond the fault.
    pub(super) async fn wait(&self, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.reached(Phase::Draining) => {}
        }
    }

    /// Waits until the server is so far.
    async fn reached(&self, phase: Phase) {
        // An error means that the server's owner is gone.
        let _ = self.phase.clone().wait_for(|now| *now >= phase).await;
    }
}

/// The thread: serves until it is to end.
fn run(ears: Ears, desk: &Desk, tell_idle: &mpsc::SyncSender<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the server of false answers")?;
    let connections = Connections::open()?;
    runtime.block_on(async {
        tokio::select! {
            served = serve(ears, desk, &connections) => served,
            () = desk.reached(Phase::Ended) => Ok(()),
            () = watch_idle(desk, tell_idle) => Ok(()),
        }
    })
}

async fn serve(ears: Ears, desk: &Desk, connections: &Connections) -> Result<()> {
    let six = async {
        match ears.six {
            Some(ear) => hear(ear, desk, connections).await,
            None => std::future::pending().await,
        }
    };
    tokio::try_join!(hear(ears.four, desk, connections), six).map(|((), ())| ())
}

async fn hear(ear: Ear, desk: &Desk, connections: &Connections) -> Result<()> {
    tokio::try_join!(udp::serve(ear.udp, desk, connections), tcp::serve(ear.tcp, desk),)
        .map(|((), ())| ())
}

/// Tells once that nobody waits any more, when that is asked for. Never ends.
async fn watch_idle(desk: &Desk, tell_idle: &mpsc::SyncSender<()>) {
    desk.reached(Phase::Draining).await;
    let all = desk.places.acquire_many(MOST_WAITING).await;
    drop(all);
    let _ = tell_idle.try_send(());
    std::future::pending::<()>().await;
}

/// Does something that nobody waits for.
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
