//! Spoilt HTTP: in HTTP/1 bytes pass as they came but for what is spoilt, so that nothing of a
//! message is lost on the way; HTTP/2 is taken apart and put together again. What is neither passes
//! as bytes.

mod answer;
mod body;
mod conversation;
mod edit;
mod head;
mod opening;
mod passage;
mod payload;
mod second;
mod spoil;
mod spoiler;

use bytes::BytesMut;
use tokio::net::TcpStream;

use super::stream::{Ending, Peer, relay};
use super::work::Common;
use conversation::{Conversation, Left};
pub(super) use second::serve as serve_second;
pub(super) use spoiler::Spoiler;

/// Serves a connection until it ends, or until its client begins with HTTP/2: then what both have
/// sent by then.
pub(super) async fn serve(
    client: &mut TcpStream,
    server: &mut TcpStream,
    spoiler: &Spoiler,
    common: &Common,
) -> Result<Option<[BytesMut; 2]>, Ending> {
    let (client, server) = (Peer::new(client), Peer::new(server));
    let mut conversation = Conversation { client, server, spoiler, common };
    let left = conversation.run().await?;
    let Conversation { mut client, mut server, .. } = conversation;
    match left {
        Left::Second => return Ok(Some([client.source.buffer, server.source.buffer])),
        Left::Foreign => common.tally.foreign.add(1),
        Left::Over => {}
    }
    relay(&mut client, &mut server).await.map(|()| None)
}
