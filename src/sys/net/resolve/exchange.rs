//! One question to one name server, from the namespace of the calling thread.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::super::dns::OUR_MARK;

/// The largest datagram that we say we can take (DNS flag day 2020), in bytes.
const PAYLOAD: u16 = 1232;

/// Asks a server, again by TCP if the answer is too large for a datagram.
pub(super) fn ask(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    (limit, tcp_only): (Duration, bool),
) -> Result<Message> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    question.set_edns(edns);
    let bytes = question.to_vec().context("cannot write a question")?;
    let late = || format!("{server} does not answer");
    if !tcp_only {
        let answer = by_udp(server, &bytes, &question, limit).with_context(late)?;
        if !answer.metadata.truncation {
            return Ok(answer);
        }
    }
    let answer = by_tcp(server, &bytes, limit).with_context(late)?;
    match Message::from_vec(&answer) {
        Ok(answer) if is_answer(&question, &answer) => Ok(answer),
        _ => bail!("{server} gives an answer to another question"),
    }
}

fn by_udp(
    server: SocketAddr,
    bytes: &[u8],
    question: &Message,
    limit: Duration,
) -> Result<Message> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any)?;
    setsockopt(&socket, sockopt::Mark, &OUR_MARK)?;
    socket.connect(server)?;
    socket.send(bytes)?;
    let deadline = Instant::now() + limit;
    let mut buffer = vec![0; 65_535];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("nothing within {limit:?}");
        }
        socket.set_read_timeout(Some(left))?;
        let length = match socket.recv(&mut buffer) {
            Err(error) if is_late(&error) => bail!("nothing within {limit:?}"),
            length => length?,
        };
        // What answers another question is a leftover, or a forgery.
        let answer = buffer.get(..length).and_then(|bytes| Message::from_vec(bytes).ok());
        if let Some(answer) = answer.filter(|answer| is_answer(question, answer)) {
            return Ok(answer);
        }
    }
}

fn by_tcp(server: SocketAddr, bytes: &[u8], limit: Duration) -> Result<Vec<u8>> {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    setsockopt(&socket, sockopt::Mark, &OUR_MARK)?;
    // The time to send also limits the time to connect (socket(7)).
    set_socket_timeout(&socket, Timeout::Send, Some(limit))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(limit))?;
    connect(&socket, &server)?;
    let mut stream = TcpStream::from(socket);
    let length = u16::try_from(bytes.len())?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn is_answer(question: &Message, answer: &Message) -> bool {
    answer.metadata.id == question.metadata.id
        && answer.metadata.message_type == hickory_proto::op::MessageType::Response
        && answer.queries == question.queries
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
