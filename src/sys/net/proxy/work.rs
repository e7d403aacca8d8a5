//! The proxy's thread.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::alarm::Alarm;
use super::dice::Dice;
use super::ends::{self, Listeners};
use super::http::{self, Spoiler};
use super::stream::Ending;
use super::tally::Tally;
use super::tcp;
use crate::act::{ProxyWork, Toxics};

/// How long to wait when no connection could be accepted, for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What the thread is to do.
pub(super) struct Shop {
    task: Task,
    dice: Dice,
    mark: u32,
    tally: Arc<Tally>,
}

enum Task {
    Tcp(Box<Toxics>),
    Http(Arc<Spoiler>),
}

/// What all connections have in common.
pub(super) struct Common {
    pub(super) dice: Dice,
    pub(super) tally: Arc<Tally>,
    pub(super) alarm: Arc<Alarm>,
    task: Task,
    mark: u32,
}

impl Shop {
    pub(super) fn new(work: &ProxyWork, seed: u64, mark: u32, tally: Arc<Tally>) -> Result<Self> {
        let task = match work {
            ProxyWork::Tcp(toxics) => Task::Tcp(toxics.clone()),
            ProxyWork::Http(spoil) => Task::Http(Arc::new(Spoiler::new(spoil)?)),
        };
        Ok(Self { task, dice: Dice::new(seed), mark, tally })
    }

    /// Serves on this thread until it is told to stop; tells its port once it listens.
    pub(super) fn run(self, started: &Sender<u16>, stopped: oneshot::Receiver<()>) -> Result<()> {
        let runtime = Builder::new_current_thread().enable_io().build();
        runtime.context("cannot set up a runtime")?.block_on(async {
            let (common, listeners) = self.open()?;
            let _ = started.send(listeners.port);
            let alarm = Arc::clone(&common.alarm);
            for listener in listeners.sockets {
                tokio::spawn(accept(listener, Arc::clone(&common)));
            }
            tokio::select! {
                _ = stopped => {}
                () = alarm.drive() => {}
            }
            Ok(())
        })
        // The runtime is dropped, with it every task, and with that every socket.
    }

    fn open(self) -> Result<(Arc<Common>, Listeners)> {
        let listeners = Listeners::bind().context("the proxy cannot listen")?;
        let alarm = Arc::new(Alarm::new()?);
        let Self { task, dice, mark, tally } = self;
        Ok((Arc::new(Common { dice, tally, alarm, task, mark }), listeners))
    }
}

async fn accept(listener: TcpListener, common: Arc<Common>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(attend(client, Arc::clone(&common)))),
            Err(_) => common.alarm.until(Instant::now() + ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection. That it breaks is its owners' affair.
async fn attend(client: TcpStream, common: Arc<Common>) {
    // Whoever connects to the proxy itself is none of its customers.
    let Ok(destination) = ends::prepare(&client).and_then(|()| ends::destination(&client)) else {
        return;
    };
    common.tally.connections.add(1);
    match ends::connect(destination, common.mark).await {
        Ok(server) => lead(client, server, &common).await,
        // Dropped, the client's end is reset.
        Err(_) => common.tally.refused.add(1),
    }
}

async fn lead(mut client: TcpStream, mut server: TcpStream, common: &Arc<Common>) {
    let ended = match &common.task {
        Task::Tcp(toxics) => tcp::serve(&mut client, &mut server, toxics, common).await,
        Task::Http(spoiler) => match http::serve(&mut client, &mut server, spoiler, common).await {
            Ok(None) => Ok(()),
            Ok(Some(begun)) => {
                let spoiler = Arc::clone(spoiler);
                return http::serve_second(begun, (client, server), spoiler, common).await;
            }
            Err(ending) => Err(ending),
        },
    };
    if ended != Err(Ending::Reset) {
        ends::close_in_order(&client);
        ends::close_in_order(&server);
    }
}

impl Common {
    /// Waits, and counts how long it was.
    pub(super) async fn wait(&self, time: Duration) {
        let start = Instant::now();
        self.alarm.until(start + time).await;
        self.tally.waited(start.elapsed());
    }
}
