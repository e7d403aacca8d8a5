//! Questions in datagrams.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hickory_proto::op::ResponseCode;
use tokio::net::UdpSocket;

use super::conntrack::Connections;
use super::judge::Judgement;
use super::message::Question;
use super::server::{Desk, spawn};
use super::upstream;

/// The largest datagram.
const LARGEST: usize = 65_535;

/// Serves questions until the socket fails.
pub(super) async fn serve(
    socket: std::net::UdpSocket,
    desk: &Desk,
    connections: &Connections,
) -> Result<()> {
    let socket = UdpSocket::from_std(socket).context("cannot listen for questions")?;
    let here = socket.local_addr().context("cannot tell where questions arrive")?;
    let socket = Arc::new(socket);
    let mut buffer = vec![0; LARGEST];
    loop {
        // What fails here is an answer of ours that did not arrive; the next question may.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        // Nobody's question is passed on who came here by himself.
        let Some(server) = connections.destination(client, here) else { continue };
        let Some(place) = desk.place() else { continue };
        let message = buffer.get(..length).unwrap_or_default().to_vec();
        let (desk, socket) = (desk.clone(), Arc::clone(&socket));
        spawn(async move {
            if let Some(answer) = answer(&desk, message, server).await {
                // The client may be gone by now.
                let _ = socket.send_to(&answer, client).await;
            }
            drop(place);
        });
    }
}

async fn answer(desk: &Desk, message: Vec<u8>, server: SocketAddr) -> Option<Vec<u8>> {
    match desk.judge.judge(&message) {
        Judgement::Ignore => None,
        Judgement::Answer(answer) => Some(answer),
        Judgement::Pass => pass(&message, server).await,
        Judgement::PassAfter(delay) => {
            desk.wait(delay).await;
            pass(&message, server).await
        }
    }
}

/// The answer of the true name server. Where nobody listens, a client would have been told at once;
/// it is told that the server has failed, upon which it tries the next one as well.
async fn pass(message: &[u8], server: SocketAddr) -> Option<Vec<u8>> {
    match upstream::ask(message, server).await {
        Ok(answer) => answer,
        Err(_) => Question::read(message)?.refused(ResponseCode::ServFail),
    }
}
