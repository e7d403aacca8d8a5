//! The run's own network: who has which address.

use indexmap::IndexMap;

use super::{PlanError, Refusal};
use crate::act::JoinNetwork;
use crate::spec::quantity::IpNetwork;
use crate::spec::{Addressing, Name, Service, addressing};

/// Every service with its addresses, and this host with its own. The subnets are for services that
/// choose none.
pub fn addresses(
    services: &IndexMap<Name, Service>,
    subnets: &[IpNetwork],
) -> Result<Addressing, PlanError> {
    let networks =
        services.iter().map(|(name, service)| (name.clone(), service.network.clone())).collect();
    addressing(&networks, subnets)
        .map_err(|(name, why)| Refusal::from(why).at(format!("services.{name}.network")))
}

/// The network of the run, if any service needs it.
pub(super) fn join(addressing: &Addressing) -> Option<JoinNetwork> {
    let addresses = addressing.host.clone();
    (!addresses.is_empty()).then_some(JoinNetwork { addresses })
}
