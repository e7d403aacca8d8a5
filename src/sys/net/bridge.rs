//! The run's own network: a switch in a namespace of its own, with one leg on this host and one
//! for each service.

use anyhow::{Context, Result, bail, ensure};

use super::{
    Address, Link, Mac, Namespace, Removed, RouteSocket, VethEnd, add_address, add_bridge,
    add_default_route, add_veth, addresses, conflict, delete_link, link_named, overlap, set_master,
    set_up, without_link_local,
};
use crate::act::JoinNetwork;
use crate::spec::quantity::IpNetwork;

/// The longest name of an interface, in bytes (`IFNAMSIZ` less the NUL).
const LONGEST_NAME: usize = 15;
/// Names within namespaces of our own, where nobody else's can be.
const SWITCH: &str = "switch";
const HOST_PORT: &str = "host";
const SERVICE_INTERFACE: &str = "eth0";

/// The host's end: known before it is made, so that its removal can be written down first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The name of the interface, at most 15 bytes, such as `sd-1a2b3c4d`.
    pub interface: String,
    /// Its hardware address, see [`super::random_mac`]. Being given one keeps udev from changing it
    /// (systemd.link(5), `MACAddressPolicy=`).
    pub mac: Mac,
}

/// The network. The kernel holds all of it by this value's descriptor of the switch's namespace:
/// when that is closed, by SIGKILL too, the switch and both ends of every cable into it vanish.
#[derive(Debug)]
pub struct Bridge {
    switch: Namespace,
    gateways: Vec<IpNetwork>,
    leg: Leg,
    ports: u32,
}

impl Bridge {
    /// Makes the network. `host` is the namespace that gets the leg with its addresses. A subnet
    /// that overlaps an address or a route there is refused.
    pub fn create(host: &Namespace, network: &JoinNetwork, leg: Leg) -> Result<Self> {
        ensure!(
            !leg.interface.is_empty() && leg.interface.len() <= LONGEST_NAME,
            "`{}` cannot name an interface: one to {LONGEST_NAME} bytes",
            leg.interface
        );
        let host_socket = RouteSocket::open(host)?;
        refuse_used(&host_socket, network)?;
        // From here on an error closes the switch's namespace, and with it goes what was made.
        let switch = Namespace::create()?;
        let switch_socket = RouteSocket::open(&switch)?;
        add_bridge(&switch_socket, SWITCH)?;
        set_up(&switch_socket, index_of(&switch_socket, SWITCH)?)?;
        add_veth(
            &VethEnd { namespace: host, name: &leg.interface, mac: Some(leg.mac) },
            &VethEnd { namespace: &switch, name: HOST_PORT, mac: None },
        )?;
        plug_in(&switch_socket, HOST_PORT)?;
        let index = index_of(&host_socket, &leg.interface)?;
        without_link_local(&host_socket, index)?;
        for address in &network.addresses {
            add_address(&host_socket, index, *address)?;
        }
        set_up(&host_socket, index)?;
        // Somebody else may have taken it since the first look; then both give way.
        refuse_rivals(&host_socket, network, index)?;
        Ok(Self { switch, gateways: network.addresses.clone(), leg, ports: 0 })
    }

    /// Makes a namespace with the interface `eth0` of these addresses, and default routes by way
    /// of the host's leg. Until processes are in it, it lives as long as the value returned.
    pub fn attach(&mut self, own: &[IpNetwork]) -> Result<Namespace> {
        for address in own {
            let beside = |leg: &IpNetwork| leg.network() == address.network();
            ensure!(
                self.gateways.iter().any(beside) && !self.gateways.contains(address),
                "{address} is no service's address in the run's network"
            );
        }
        self.ports += 1;
        let port = format!("port{}", self.ports);
        let service = Namespace::create()?;
        let mac = None;
        add_veth(
            &VethEnd { namespace: &self.switch, name: &port, mac },
            &VethEnd { namespace: &service, name: SERVICE_INTERFACE, mac },
        )?;
        plug_in(&RouteSocket::open(&self.switch)?, &port)?;
        let socket = RouteSocket::open(&service)?;
        let index = index_of(&socket, SERVICE_INTERFACE)?;
        without_link_local(&socket, index)?;
        for address in own {
            add_address(&socket, index, *address)?;
        }
        set_up(&socket, index)?;
        let reached = |leg: &&IpNetwork| own.iter().any(|it| it.network() == leg.network());
        for leg in self.gateways.iter().filter(reached) {
            add_default_route(&socket, leg.address)?;
        }
        Ok(service)
    }

    /// The hardware address of the host's leg.
    #[must_use]
    pub const fn mac(&self) -> Mac {
        self.leg.mac
    }

    /// The namespace of the switch.
    #[must_use]
    pub const fn switch(&self) -> &Namespace {
        &self.switch
    }

    /// Removes the host's leg at once rather than when the kernel gets round to it, looks whether
    /// it is gone, and lets go of the switch.
    pub fn remove(self, host: &Namespace) -> Result<Removed> {
        leave(host, &self.leg)
    }
}

/// A subnet that is in use is not ours to take.
fn refuse_used(host: &RouteSocket, network: &JoinNetwork) -> Result<()> {
    for address in &network.addresses {
        let subnet = address.network();
        if let Some(obstacle) = conflict(host, subnet)? {
            bail!("the run's network {subnet} is in use on this host: {obstacle}");
        }
    }
    Ok(())
}

/// The same, once our own interface has its addresses.
fn refuse_rivals(host: &RouteSocket, network: &JoinNetwork, own: u32) -> Result<()> {
    let others = addresses(host)?.into_iter().filter(|address| address.interface != own);
    for Address { network: other, .. } in others {
        if let Some(address) = network.addresses.iter().find(|it| overlap(**it, other)) {
            let subnet = address.network();
            bail!("the run's network {subnet} was taken at the same time: the address {other}");
        }
    }
    Ok(())
}

/// Removes a host's leg, if the interface of that name has that hardware address, and looks
/// whether it is gone.
pub fn leave(host: &Namespace, leg: &Leg) -> Result<Removed> {
    let socket = RouteSocket::open(host)?;
    let Some(found) = link_named(&socket, &leg.interface)? else {
        return Ok(Removed::AlreadyGone);
    };
    if found.mac != Some(leg.mac) {
        return Ok(Removed::NotOurs { found: stranger(&found) });
    }
    let deleted = delete_link(&socket, found.index);
    match link_named(&socket, &leg.interface)? {
        Some(left) if left.mac == Some(leg.mac) => {
            deleted?;
            bail!("interface {} is still there after it was deleted", leg.interface)
        }
        _ => Ok(Removed::Deleted),
    }
}

fn stranger(link: &Link) -> String {
    match link.mac {
        Some(mac) => format!("interface {} with the hardware address {mac}", link.name),
        None => format!("interface {} without a hardware address", link.name),
    }
}

/// Puts a cable's end into the switch and switches it on.
fn plug_in(socket: &RouteSocket, name: &str) -> Result<()> {
    let index = index_of(socket, name)?;
    set_master(socket, index, index_of(socket, SWITCH)?)?;
    set_up(socket, index)
}

fn index_of(socket: &RouteSocket, name: &str) -> Result<u32> {
    let link = link_named(socket, name)?;
    Ok(link.with_context(|| format!("interface {name}, just made, is gone"))?.index)
}
