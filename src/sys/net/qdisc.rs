//! Queueing disciplines (tc(8)).

use std::fmt;

use anyhow::{Context, Result, bail};
use netlink_packet_core::{DefaultNla, Emitable, NLM_F_CREATE, NLM_F_EXCL, Nla};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption, TcStats2};

use super::{NetlinkError, Removed, RouteSocket, Support, links};

/// The attribute of a queueing discipline's or a filter's own parameters.
const TCA_OPTIONS: u16 = 2;
/// The index that the kernel gives `lo` in every network namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK: u32 = 1;

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
    /// How often it held packets back because of its rate.
    pub overlimits: u64,
}

/// Why a queueing discipline was not put in place. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Somebody shapes this interface already; replacing that would lose it.
    #[error(
        "interface {interface} has the queueing discipline {found}, which is not the kernel's own \
         default; it is left alone"
    )]
    Foreign {
        /// The interface.
        interface: String,
        /// What is there, by kind and handle.
        found: String,
    },
    /// The kernel has no such thing, or does not let us.
    #[error("cannot put {what} on interface {interface}: {cause}")]
    Refused {
        /// What was to be put there.
        what: String,
        /// The interface.
        interface: String,
        /// The kernel's words.
        cause: NetlinkError,
    },
    /// Something else failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl AddError {
    /// The kernel's words, where it has no such thing.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        match self {
            Self::Refused { what, cause: NetlinkError::Refused(refusal), .. } => {
                Some(format!("no {what}: {refusal}"))
            }
            _ => None,
        }
    }
}

/// Where a queueing discipline goes.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The index of the interface.
    pub ifindex: u32,
    /// Its name, for messages.
    pub interface: &'a str,
    /// What it hangs on.
    pub parent: TcHandle,
    /// The major number of its handle.
    pub handle: u16,
}

impl Place<'_> {
    fn message(&self) -> Result<TcMessage> {
        let mut message = TcMessage::with_index(i32::try_from(self.ifindex)?);
        message.header.parent = self.parent;
        message.header.handle = TcHandle { major: self.handle, minor: 0 };
        Ok(message)
    }
}

/// All of the socket's namespace.
pub fn list(socket: &RouteSocket) -> Result<Vec<QdiscInfo>> {
    let names = links(socket)?;
    let mut found = list_nameless(socket)?;
    for info in &mut found {
        let link = names.iter().find(|link| link.index == info.ifindex);
        info.interface = link.map(|link| link.name.clone()).unwrap_or_default();
    }
    Ok(found)
}

/// All of the socket's namespace, without the names of their interfaces, which are a question more.
pub(super) fn list_nameless(socket: &RouteSocket) -> Result<Vec<QdiscInfo>> {
    let answer = socket
        .dump(&RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()))
        .context("cannot list the queueing disciplines")?;
    Ok(answer
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewQueueDiscipline(message) => Some(QdiscInfo::from(message)),
            _ => None,
        })
        .collect())
}

/// The one at the root of an interface; `None` when the interface is gone.
fn root(socket: &RouteSocket, ifindex: u32) -> Result<Option<QdiscInfo>> {
    let at_root = |qdisc: &QdiscInfo| qdisc.ifindex == ifindex && qdisc.parent == TcHandle::ROOT;
    Ok(list_nameless(socket)?.into_iter().find(at_root))
}

/// Puts a queueing discipline in a place where none but the kernel's own default is; `options` are
/// the value of `TCA_OPTIONS`.
pub fn add(
    socket: &RouteSocket,
    place: &Place<'_>,
    kind: &str,
    options: &[u8],
) -> Result<(), AddError> {
    let mut message = place.message()?;
    message.attributes = attributes(kind, options);
    // With EXCL the kernel itself refuses a root that came between: it replaces its default only.
    socket
        .change(RouteNetlinkMessage::NewQueueDiscipline(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|cause| refused(place, kind, cause))
}

/// The same at the root. Anything there but the kernel's own default is refused, also below a
/// default `mq`, whose leaves may have been tuned.
pub fn add_root(
    socket: &RouteSocket,
    place: &Place<'_>,
    kind: &str,
    options: &[u8],
) -> Result<(), AddError> {
    refuse_foreign(socket, place)?;
    add(socket, place, kind, options).or_else(|error| refuse_foreign(socket, place).and(Err(error)))
}

/// Takes the root of an interface away, and with it what hangs on it, if it is ours: of one of these
/// kinds and under that handle. The kernel then puts its default back.
pub fn delete_root(socket: &RouteSocket, place: &Place<'_>, kinds: &[&str]) -> Result<Removed> {
    let owner = || -> Result<Owner> {
        Ok(match root(socket, place.ifindex)? {
            None => Owner::Nobody,
            Some(root) if root.default => Owner::Nobody,
            Some(root) if root.handle.major == place.handle && kinds.contains(&&*root.kind) => {
                Owner::Us
            }
            Some(root) => Owner::Stranger(root.to_string()),
        })
    };
    match owner()? {
        Owner::Nobody => return Ok(Removed::AlreadyGone),
        Owner::Stranger(found) => return Ok(Removed::NotOurs { found }),
        Owner::Us => {}
    }
    let deleted = socket.change(RouteNetlinkMessage::DelQueueDiscipline(place.message()?), 0);
    match owner()? {
        Owner::Nobody => Ok(Removed::Deleted),
        Owner::Stranger(found) => Ok(Removed::NotOurs { found }),
        Owner::Us => {
            let what = || format!("cannot take our queueing discipline from {}", place.interface);
            deleted.with_context(what)?;
            bail!("our queueing discipline is still on {} after it was deleted", place.interface)
        }
    }
}

enum Owner {
    Nobody,
    Us,
    Stranger(String),
}

/// Whether the kernel has a queueing discipline, tried on the loopback of a scratch namespace.
pub(super) fn try_root(socket: &RouteSocket, kind: &str, options: &[u8]) -> Result<Support> {
    let place = Place { ifindex: LOOPBACK, interface: "lo", parent: TcHandle::ROOT, handle: 1 };
    match add(socket, &place, kind, options) {
        Ok(()) => Ok(Support::Supported),
        Err(AddError::Refused { cause: NetlinkError::Refused(refusal), .. }) => {
            Ok(Support::Missing { reason: refusal.to_string() })
        }
        Err(error) => Err(error.into()),
    }
}

/// The attributes of a queueing discipline, a class or a filter.
pub(super) fn attributes(kind: &str, options: &[u8]) -> Vec<TcAttribute> {
    vec![
        TcAttribute::Kind(kind.into()),
        TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, options.to_vec())),
    ]
}

/// What the kernel's refusal of a part means.
pub(super) fn refused(place: &Place<'_>, what: &str, cause: NetlinkError) -> AddError {
    AddError::Refused { what: what.to_owned(), interface: place.interface.to_owned(), cause }
}

fn refuse_foreign(socket: &RouteSocket, place: &Place<'_>) -> Result<(), AddError> {
    // Those at `ingress` and `clsact` are beside the root and stay when it changes.
    let foreign = list_nameless(socket)?.into_iter().find(|found| {
        found.ifindex == place.ifindex && !found.default && found.parent != TcHandle::INGRESS
    });
    match foreign {
        Some(found) => Err(AddError::Foreign {
            interface: place.interface.to_owned(),
            found: found.to_string(),
        }),
        None => Ok(()),
    }
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
            overlimits: 0,
        };
        for attribute in message.attributes {
            match attribute {
                TcAttribute::Kind(kind) => info.kind = kind,
                TcAttribute::Options(options) => info.options = bytes(&options),
                TcAttribute::Stats2(stats) => stats.iter().for_each(|stats| match stats {
                    TcStats2::Basic(basic) => info.packets = u64::from(basic.packets),
                    TcStats2::Queue(queue) => {
                        info.drops = u64::from(queue.drops);
                        info.overlimits = u64::from(queue.overlimits);
                    }
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
