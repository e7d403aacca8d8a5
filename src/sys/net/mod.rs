//! Networks of a host: namespaces, links, queueing disciplines and packet filters, all by netlink
//! from this process, so that no program is needed where a target lives.

mod address;
mod attribute;
mod bridge;
mod classifier;
mod divider;
pub mod dns;
mod engines;
mod ifb;
pub mod iptables;
mod link;
mod namespace;
pub mod netem;
mod netlink;
pub mod nft;
mod own_interface;
mod passage;
pub mod proxy;
pub mod qdisc;
pub mod queue;
pub mod resolve;
mod route;
mod route_socket;
pub mod shaping;
mod snapshot;
pub mod sockets;
mod subnet;
pub mod tbf;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;

pub use address::{Address, add_address, addresses};
pub use bridge::{Bridge, Leg, leave};
pub use engines::missing_engines;
pub use link::{
    Link, Mac, VethEnd, add_bridge, add_veth, delete_link, link_named, links, random_mac,
    set_master, set_queue_length, set_up, without_link_local,
};
pub use namespace::Namespace;
pub use netlink::{NetlinkError, Refusal};
pub use route::{Route, add_default_route, routes};
pub use route_socket::RouteSocket;
pub use snapshot::snapshot;
pub use subnet::{Reservation, conflict, free_subnets, overlap, subnets};

/// What came of removing an object by its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It was ours; it is gone, read back from the kernel.
    Deleted,
    /// It was not there.
    AlreadyGone,
    /// Something else is in its place; left alone.
    NotOurs {
        /// What is there.
        found: String,
    },
}

/// Whether the kernel can do something, found out by trying in a scratch namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// It did.
    Supported,
    /// It refused.
    Missing {
        /// Its words.
        reason: String,
    },
}

impl Support {
    /// Whether the kernel did it.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        matches!(self, Self::Supported)
    }
}
