//! Putting netem at the root of an interface, reading it back, and taking away our own only.

use anyhow::{Context, Result, ensure};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};

use super::super::qdisc::QdiscInfo;
use super::super::{Namespace, NetlinkError, Removed, RouteSocket, Support, links, qdisc};
use super::{LONGEST_JITTER, Netem, Parameters};
use crate::spec::Distribution;
use crate::spec::quantity::Correlation;

const KIND: &str = "netem";
const TCA_OPTIONS: u16 = 2;

/// Why netem was not put in place. Nothing was changed.
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
    /// The kernel has no netem, or does not let us.
    #[error("cannot put netem on interface {ifindex}: {cause}")]
    Refused {
        /// The index of the interface.
        ifindex: u32,
        /// The kernel's words.
        cause: NetlinkError,
    },
    /// Something else failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Our netem at work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetemState {
    /// What it does.
    pub parameters: Parameters,
    /// Packets sent so far.
    pub packets: u64,
    /// Packets dropped so far; more than none means that the queue is too short.
    pub drops: u64,
}

/// Puts netem at the root of an interface, under the major number `handle`. Anything there but the
/// kernel's own default is refused, also below a default `mq`, whose leaves may have been tuned.
pub fn add(socket: &RouteSocket, ifindex: u32, handle: u16, netem: &Netem) -> Result<(), AddError> {
    check(netem)?;
    refuse_foreign(socket, ifindex)?;
    let mut message = at_root(ifindex, handle)?;
    message.attributes = vec![
        TcAttribute::Kind(KIND.into()),
        TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, netem.options())),
    ];
    // With EXCL the kernel itself refuses a root that came between: it replaces its default only.
    socket
        .change(RouteNetlinkMessage::NewQueueDiscipline(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|cause| AddError::Refused { ifindex, cause })
        .or_else(|error| refuse_foreign(socket, ifindex).and(Err(error)))
}

/// Takes netem away if the root is ours: of that kind and under that handle. The kernel then puts
/// its default back.
pub fn delete(socket: &RouteSocket, ifindex: u32, handle: u16) -> Result<Removed> {
    match owner(socket, ifindex, handle)? {
        Owner::Nobody => return Ok(Removed::AlreadyGone),
        Owner::Stranger(found) => return Ok(Removed::NotOurs { found: found.to_string() }),
        Owner::Us(_) => {}
    }
    let mut message = at_root(ifindex, handle)?;
    message.attributes = vec![TcAttribute::Kind(KIND.into())];
    let deleted = socket.change(RouteNetlinkMessage::DelQueueDiscipline(message), 0);
    let left = owner(socket, ifindex, handle)?;
    match (deleted, left) {
        (_, Owner::Nobody) => Ok(Removed::Deleted),
        (_, Owner::Stranger(found)) => Ok(Removed::NotOurs { found: found.to_string() }),
        (result, Owner::Us(_)) => {
            result.with_context(|| format!("cannot take netem from interface {ifindex}"))?;
            anyhow::bail!("netem is still on interface {ifindex} after it was deleted")
        }
    }
}

/// Our netem, read back from the kernel; `None` when the root is not ours.
pub fn read(socket: &RouteSocket, ifindex: u32, handle: u16) -> Result<Option<NetemState>> {
    let Owner::Us(root) = owner(socket, ifindex, handle)? else { return Ok(None) };
    let parameters = Parameters::parse(&root.options)
        .with_context(|| format!("cannot read the netem of interface {ifindex}"))?;
    Ok(Some(NetemState { parameters, packets: root.packets, drops: root.drops }))
}

/// Whether the kernel has netem, tried on the loopback of a scratch namespace.
pub fn supported() -> Result<Support> {
    let namespace = Namespace::create()?;
    let socket = RouteSocket::open(&namespace)?;
    let loopback = links(&socket)?.into_iter().find(|link| link.loopback);
    let loopback = loopback.context("a new network namespace has no loopback")?;
    let netem = Netem {
        delay: std::time::Duration::from_millis(1),
        jitter: std::time::Duration::from_micros(1),
        correlation: Correlation::default(),
        distribution: Distribution::Normal,
        limit: 1000,
    };
    match add(&socket, loopback.index, 1, &netem) {
        Ok(()) => Ok(Support::Supported),
        Err(AddError::Refused { cause: NetlinkError::Refused(refusal), .. }) => {
            Ok(Support::Missing { reason: refusal.to_string() })
        }
        Err(error) => Err(error.into()),
    }
}

fn check(netem: &Netem) -> Result<()> {
    ensure!(
        netem.jitter <= LONGEST_JITTER,
        "the kernel's jitter is at most {LONGEST_JITTER:?}, and {:?} is asked for",
        netem.jitter
    );
    Ok(())
}

enum Owner {
    Nobody,
    Us(QdiscInfo),
    Stranger(QdiscInfo),
}

fn owner(socket: &RouteSocket, ifindex: u32, handle: u16) -> Result<Owner> {
    Ok(match qdisc::root(socket, ifindex)? {
        None => Owner::Nobody,
        Some(root) if root.default => Owner::Nobody,
        Some(root) if root.kind == KIND && root.handle.major == handle => Owner::Us(root),
        Some(root) => Owner::Stranger(root),
    })
}

fn refuse_foreign(socket: &RouteSocket, ifindex: u32) -> Result<(), AddError> {
    // Those at `ingress` and `clsact` are beside the root and stay when it changes.
    let foreign = qdisc::list(socket)?.into_iter().find(|found| {
        found.ifindex == ifindex && !found.default && found.parent != TcHandle::INGRESS
    });
    match foreign {
        Some(found) => {
            Err(AddError::Foreign { interface: found.interface.clone(), found: found.to_string() })
        }
        None => Ok(()),
    }
}

fn at_root(ifindex: u32, handle: u16) -> Result<TcMessage> {
    let index = i32::try_from(ifindex).context("no such interface index")?;
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle::ROOT;
    message.header.handle = TcHandle { major: handle, minor: 0 };
    Ok(message)
}
