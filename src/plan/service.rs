//! Services as acts.

use indexmap::IndexMap;

use crate::act::StartService;
use crate::spec::quantity::IpNetwork;
use crate::spec::{Name, Ready, Service};

/// The services in the order of their start, each with its ready check.
pub(super) fn starts(
    services: &IndexMap<Name, Service>,
    addresses: &IndexMap<Name, Vec<IpNetwork>>,
) -> Vec<(StartService, Option<Ready>)> {
    let start = |(name, service): (&Name, &Service)| {
        let act = StartService {
            name: name.clone(),
            command: service.command.clone(),
            environment: service.environment.clone(),
            directory: service.directory.clone(),
            restart: service.restart,
            restart_delay: service.restart_delay,
            stop: service.stop,
            addresses: addresses.get(name).cloned().unwrap_or_default(),
        };
        (act, service.ready.clone())
    };
    services.iter().map(start).collect()
}
