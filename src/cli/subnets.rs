//! The subnets of a run's services, which nothing else on this host may have.

use anyhow::Context;

use crate::act::JoinNetwork;
use crate::error::{Error, Result};
use crate::spec::quantity::IpNetwork;
use crate::spec::{Experiment, Network};
use crate::sys::net::{self, Namespace, Reservation, RouteSocket};

/// The subnets for services that choose no address, kept from other runs.
#[derive(Debug, Default)]
pub(super) struct Subnets {
    pub(super) networks: Vec<IpNetwork>,
    reservation: Option<Reservation>,
}

impl Subnets {
    /// Free ones, if any service of the experiment needs them.
    pub(super) fn for_services(experiment: &Experiment) -> Result<Self> {
        let has = |wanted: fn(&Network) -> bool| {
            experiment.services.values().any(|service| wanted(&service.network))
        };
        if !has(|it| *it == Network::Own) || has(|it| matches!(it, Network::Address(_))) {
            return Ok(Self::default());
        }
        let (networks, reservation) = here()
            .and_then(|socket| net::free_subnets(&socket))
            .context("there is no subnet for the run's services")?;
        Ok(Self { networks, reservation: Some(reservation) })
    }

    /// What keeps other runs from the subnets of this one, until it is dropped.
    pub(super) fn claim(self, network: Option<&JoinNetwork>) -> Result<Vec<Reservation>> {
        if let Some(reserved) = self.reservation {
            return Ok(vec![reserved]);
        }
        let mut claimed = Vec::new();
        for address in network.iter().flat_map(|network| &network.addresses) {
            let subnet = address.network();
            claimed.push(Reservation::of(subnet)?.ok_or_else(|| {
                Error::not_injected(format_args!("another run has the network {subnet}"))
                    .hint("wait for it, or choose other addresses")
            })?);
        }
        Ok(claimed)
    }
}

/// Refuses subnets that overlap an address or a route of this host.
pub(super) fn refuse_used(network: Option<&JoinNetwork>) -> Result<()> {
    let Some(network) = network else { return Ok(()) };
    let socket = here()?;
    for address in &network.addresses {
        let subnet = address.network();
        if let Some(obstacle) = net::conflict(&socket, subnet)? {
            let message =
                format_args!("the services' network {subnet} is in use on this host: {obstacle}");
            return Err(Error::not_injected(message)
                .hint("choose other addresses in `services`, or `network: own`"));
        }
    }
    Ok(())
}

fn here() -> anyhow::Result<RouteSocket> {
    RouteSocket::open(&Namespace::current()?)
}
