//! Requests about links, addresses, routes and queueing disciplines (rtnetlink(7)).

use std::io;

use anyhow::{Context, Result};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::Namespace;
use super::netlink::{Frame, Netlink, NetlinkError};

/// How often a dump is begun anew because something changed meanwhile.
const ATTEMPTS: usize = 20;

/// A blocking socket for one network namespace, closed on exec. An answer that does not come
/// within five seconds is an error.
#[derive(Debug)]
pub struct RouteSocket {
    netlink: Netlink,
}

impl RouteSocket {
    /// Opens a socket that stays bound to the namespace.
    pub fn open(namespace: &Namespace) -> Result<Self> {
        namespace
            .run_in(|| Netlink::open(NETLINK_ROUTE))?
            .map(|netlink| Self { netlink })
            .with_context(|| format!("cannot open a netlink socket in {}", namespace.id()))
    }

    /// Asks for a change and waits until it is made. `flags` are those beyond `NLM_F_REQUEST` and
    /// `NLM_F_ACK`.
    pub fn change(&self, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
        self.exchange(message, NLM_F_REQUEST | NLM_F_ACK | flags).map(drop)
    }

    /// Asks for all objects of a kind, in one consistent view.
    pub fn dump(
        &self,
        message: &RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        self.dump_frames(message)?.iter().map(read).collect()
    }

    /// The same, each object as the kernel's bytes behind the header of the message.
    pub(super) fn dump_raw(
        &self,
        message: &RouteNetlinkMessage,
    ) -> Result<Vec<Vec<u8>>, NetlinkError> {
        Ok(self.dump_frames(message)?.into_iter().map(|frame| frame.payload).collect())
    }

    fn dump_frames(&self, message: &RouteNetlinkMessage) -> Result<Vec<Frame>, NetlinkError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.exchange(message.clone(), NLM_F_REQUEST | NLM_F_DUMP) {
                Err(NetlinkError::Socket(error))
                    if error.kind() == io::ErrorKind::Interrupted && attempt < ATTEMPTS => {}
                other => return other,
            }
        }
    }

    fn exchange(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<Frame>, NetlinkError> {
        let sequence = self.netlink.next_sequence();
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut datagram = vec![0; message.buffer_len()];
        message.serialize(&mut datagram);
        self.netlink.send(&datagram)?;
        self.netlink.answer(sequence, sequence)
    }
}

fn read(frame: &Frame) -> Result<RouteNetlinkMessage, NetlinkError> {
    let mut header = NetlinkHeader::default();
    header.message_type = frame.kind;
    RouteNetlinkMessage::deserialize(&header, &frame.payload)
        .map_err(|error| NetlinkError::Unreadable(error.to_string()))
}
