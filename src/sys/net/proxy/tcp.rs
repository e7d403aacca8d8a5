//! Spoilt streams of bytes: the toxics of Toxiproxy.

mod lane;
mod pace;

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::stream::{Ending, Peer};
use super::work::Common;
use crate::act::Toxics;
use crate::spec::Stream;
use crate::spec::quantity::{Duration, Percent};
use lane::Lane;

/// One connection through the proxy.
pub(super) struct Connection<'a> {
    pub(super) common: &'a Common,
    met: AtomicBool,
    /// Data came on a half that is to be reset.
    doomed: Notify,
}

impl Connection<'_> {
    /// Notes that the connection met the fault.
    pub(super) fn meets(&self) {
        if !self.met.swap(true, Ordering::Relaxed) {
            self.common.tally.spoilt_connections.add(1);
        }
    }
}

/// Passes data between two sides, with what befalls this connection.
pub(super) async fn serve(
    client: &mut TcpStream,
    server: &mut TcpStream,
    toxics: &Toxics,
    common: &Common,
) -> Result<(), Ending> {
    let toxics = drawn(toxics, common);
    let connection = Connection { common, met: AtomicBool::new(false), doomed: Notify::new() };
    let (client, server) = (Peer::new(client), Peer::new(server));
    let up = Lane::new(&toxics, Stream::Upstream);
    let down = Lane::new(&toxics, Stream::Downstream);
    let both = async {
        let up = up.run(client.source, server.sink, &connection);
        let down = down.run(server.source, client.sink, &connection);
        tokio::try_join!(up, down).map(|_| ())
    };
    tokio::select! {
        biased;
        ending = end(&toxics, &connection) => Err(ending),
        ended = both => ended,
    }
}

/// Those that befall this connection, by chance.
fn drawn(toxics: &Toxics, common: &Common) -> Toxics {
    let falls = |toxicity: Percent| common.dice.falls(toxicity);
    Toxics {
        latency: toxics.latency.filter(|it| falls(it.toxicity)),
        bandwidth: toxics.bandwidth.filter(|it| falls(it.toxicity)),
        slicer: toxics.slicer.filter(|it| falls(it.toxicity)),
        slow_close: toxics.slow_close.filter(|it| falls(it.toxicity)),
        limit_data: toxics.limit_data.filter(|it| falls(it.toxicity)),
        timeout: toxics.timeout.filter(|it| falls(it.toxicity)),
        reset_peer: toxics.reset_peer.filter(|it| falls(it.toxicity)),
    }
}

/// When a toxic ends the connection, and how.
async fn end(toxics: &Toxics, connection: &Connection<'_>) -> Ending {
    let close = async {
        match toxics.timeout.map(|it| it.after).filter(|after| !after.is_zero()) {
            Some(after) => until(after, connection).await,
            None => pending().await,
        }
    };
    let reset = async {
        match toxics.reset_peer {
            Some(reset) => {
                connection.doomed.notified().await;
                until(reset.after, connection).await;
            }
            None => pending().await,
        }
    };
    let ending = tokio::select! {
        () = close => Ending::InOrder,
        () = reset => Ending::Reset,
    };
    connection.meets();
    ending
}

async fn until(after: Duration, connection: &Connection<'_>) {
    connection.common.alarm.until(Instant::now() + after.get()).await;
}
