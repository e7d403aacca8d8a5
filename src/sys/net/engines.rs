//! Which engines this machine has.

use anyhow::Result;
use nix::unistd::geteuid;

use super::{Support, iptables, netem, nft, queue, tbf};
use crate::spec::Engine;

/// The engines that do not work here, each with the machine's words; found out by trying in scratch
/// namespaces, for which it takes root. Without, nothing is tried and nothing is said to be missing.
pub fn missing_engines() -> Result<Vec<(Engine, String)>> {
    let mut missing = Vec::new();
    if !geteuid().is_root() {
        return Ok(missing);
    }
    if let Support::Missing { reason } = netem::supported()? {
        missing.push((Engine::Netem, format!("no sch_netem: {reason}")));
    }
    if let Support::Missing { reason } = tbf::supported()? {
        missing.push((Engine::Tbf, format!("no sch_tbf: {reason}")));
    }
    let tables = nft::supported()?;
    if let Some(reason) = tables.missing().or(match &tables.loss {
        Support::Supported => None,
        Support::Missing { reason } => Some(reason),
    }) {
        missing.push((Engine::Nft, format!("no owned tables that lose packets: {reason}")));
    }
    if let Support::Missing { reason } = queue::supported()? {
        missing.push((Engine::Queue, format!("no packet queues: {reason}")));
    }
    if let Support::Missing { reason } = iptables::supported(nft::Action::Drop)? {
        missing.push((Engine::Iptables, reason));
    }
    Ok(missing)
}
