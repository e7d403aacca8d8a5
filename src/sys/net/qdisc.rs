//! Queueing disciplines, read only (tc(8)).

use std::fmt;

use anyhow::{Context, Result};
use netlink_packet_core::{Emitable, Nla};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption, TcStats2};

use super::{RouteSocket, links};

/// One queueing discipline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QdiscInfo {
    /// The index of its interface.
    pub ifindex: u32,
    /// The name of its interface.
    pub interface: String,
    /// Its kind, such as `netem`.
    pub kind: String,
    /// Its handle; major number 0 when nobody gave it one.
    pub handle: TcHandle,
    /// What it hangs on; [`TcHandle::ROOT`] for the root.
    pub parent: TcHandle,
    /// Whether the kernel put it there by itself, of whatever kind `net.core.default_qdisc` says.
    /// Those have no handle, whereas everything that somebody adds gets one (`qdisc_create` in
    /// `net/sched/sch_api.c`).
    pub default: bool,
    /// Its parameters as the kernel writes them (`TCA_OPTIONS`).
    pub options: Vec<u8>,
    /// Packets sent through it.
    pub packets: u64,
    /// Packets dropped by it.
    pub drops: u64,
}

/// All of the socket's namespace.
pub fn list(socket: &RouteSocket) -> Result<Vec<QdiscInfo>> {
    let names = links(socket)?;
    let answer = socket
        .dump(&RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()))
        .context("cannot list the queueing disciplines")?;
    let mut found = Vec::new();
    for message in answer {
        if let RouteNetlinkMessage::NewQueueDiscipline(message) = message {
            let mut info = QdiscInfo::from(message);
            let link = names.iter().find(|link| link.index == info.ifindex);
            info.interface = link.map(|link| link.name.clone()).unwrap_or_default();
            found.push(info);
        }
    }
    Ok(found)
}

/// The one at the root of an interface; `None` when the interface is gone.
pub fn root(socket: &RouteSocket, ifindex: u32) -> Result<Option<QdiscInfo>> {
    Ok(list(socket)?
        .into_iter()
        .find(|qdisc| qdisc.ifindex == ifindex && qdisc.parent == TcHandle::ROOT))
}

impl From<TcMessage> for QdiscInfo {
    fn from(message: TcMessage) -> Self {
        let mut info = Self {
            ifindex: u32::try_from(message.header.index).unwrap_or_default(),
            interface: String::new(),
            kind: String::new(),
            handle: message.header.handle,
            parent: message.header.parent,
            default: message.header.handle.major == 0,
            options: Vec::new(),
            packets: 0,
            drops: 0,
        };
        for attribute in message.attributes {
            match attribute {
                TcAttribute::Kind(kind) => info.kind = kind,
                TcAttribute::Options(options) => info.options = bytes(&options),
                TcAttribute::Stats2(stats) => stats.iter().for_each(|stats| match stats {
                    TcStats2::Basic(basic) => info.packets = u64::from(basic.packets),
                    TcStats2::Queue(queue) => info.drops = u64::from(queue.drops),
                    _ => {}
                }),
                _ => {}
            }
        }
        info
    }
}

/// The value of `TCA_OPTIONS`. The crate keeps what it does not know as one attribute of that
/// type, header and all.
fn bytes(options: &[TcOption]) -> Vec<u8> {
    if let [TcOption::Other(whole)] = options {
        let mut value = vec![0; whole.value_len()];
        whole.emit_value(&mut value);
        return value;
    }
    let mut value = vec![0; options.buffer_len()];
    options.emit(&mut value);
    value
}

impl fmt::Display for QdiscInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:x}:", self.kind, self.handle.major)
    }
}
