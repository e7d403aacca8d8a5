//! Questions in streams: each message has its length in front (RFC 7766, 8).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::{ip_original_dst, ipv6_original_dst};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::judge::Judgement;
use super::server::{Desk, spawn};
use super::upstream;

/// How long we wait after a stream that could not be taken.
const PAUSE: Duration = Duration::from_millis(10);

/// Where messages are written, one at a time.
type Pen = Arc<Mutex<OwnedWriteHalf>>;

/// Serves streams until the socket fails.
pub(super) async fn serve(listener: std::net::TcpListener, desk: &Desk) -> Result<()> {
    let listener = TcpListener::from_std(listener).context("cannot listen for questions")?;
    loop {
        // What fails here is a client that is gone already, or one stream too many for us.
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Nobody is passed on who came here by himself.
        let Some(server) = destination(&client) else { continue };
        let desk = desk.clone();
        spawn(async move {
            // Whichever end goes, the other is to see it.
            let _ = carry(client, server, &desk).await;
        });
    }
}

/// Where the client wanted to go (`SO_ORIGINAL_DST`, `linux/netfilter_ipv4.h`).
fn destination(client: &TcpStream) -> Option<SocketAddr> {
    let here = client.local_addr().ok()?;
    let there = if here.is_ipv4() {
        SocketAddr::V4(ip_original_dst(client).ok()?)
    } else {
        SocketAddr::V6(ipv6_original_dst(client).ok()?)
    };
    (there != here).then_some(there)
}

/// Carries messages between a client and a server, except those that are judged otherwise.
async fn carry(client: TcpStream, server: SocketAddr, desk: &Desk) -> io::Result<()> {
    let server = upstream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (to_client, to_server) = (Arc::new(Mutex::new(to_client)), Arc::new(Mutex::new(to_server)));
    tokio::select! {
        ended = questions(from_client, &to_client, &to_server, desk) => ended,
        ended = answers(from_server, &to_client) => ended,
    }
}

async fn questions(
    mut client: OwnedReadHalf,
    to_client: &Pen,
    to_server: &Pen,
    desk: &Desk,
) -> io::Result<()> {
    loop {
        let message = match read(&mut client).await {
            // It has asked all its questions, and still wants the answers.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                to_server.lock().await.shutdown().await?;
                return std::future::pending().await;
            }
            message => message?,
        };
        let Some(place) = desk.place() else { continue };
        match desk.judge.judge(&message) {
            Judgement::Ignore => {}
            Judgement::Answer(answer) => write(to_client, &answer).await?,
            Judgement::Pass => write(to_server, &message).await?,
            Judgement::PassAfter(delay) => {
                let (desk, pen) = (desk.clone(), Arc::clone(to_server));
                spawn(async move {
                    desk.wait(delay).await;
                    let _ = write(&pen, &message).await;
                    drop(place);
                });
            }
        }
    }
}

async fn answers(mut server: OwnedReadHalf, to_client: &Pen) -> io::Result<()> {
    loop {
        let message = read(&mut server).await?;
        write(to_client, &message).await?;
    }
}

async fn read(stream: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut message = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write(pen: &Pen, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let framed = [&length.to_be_bytes(), message].concat();
    pen.lock().await.write_all(&framed).await
}
