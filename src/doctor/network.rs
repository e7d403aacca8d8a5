//! Networks, tried in scratch namespaces; the host's own is never touched.

use anyhow::{Result, anyhow};

use super::check::{Check, Words};
use crate::sys::net::{Namespace, Support, netem, nft};

const OWN: Words = Words {
    name: "network namespaces",
    good: "services can have a network of their own, the only place for network faults",
    without: "no `network: own`, and so no network-partition and no network-latency",
    remedy: "run as root; in a container, --cap-add SYS_ADMIN",
};
const FILTERS: Words = Words {
    name: "packet filters (nf_tables)",
    good: "network-partition drops packets, and the kernel ends it with its holder (class K)",
    without: "no network-partition: it is refused before anything is touched (exit code 4)",
    remedy: "use a kernel with CONFIG_NF_TABLES_NETDEV and CONFIG_NETFILTER_EGRESS (Linux 5.16), or `modprobe nf_tables`",
};
const NETEM: Words = Words {
    name: "packet delays (netem)",
    good: "network-latency delays packets",
    without: "no network-latency: it is refused before anything is touched (exit code 4)",
    remedy: "`modprobe sch_netem`, from the package with your kernel's extra modules (such as linux-modules-extra)",
};

/// Everything about networks.
pub(super) fn checks() -> Vec<Check> {
    let own = Namespace::create().map(|_| "made one".to_owned());
    vec![OWN.check(own), FILTERS.check(filters()), NETEM.check(delays())]
}

fn filters() -> Result<String> {
    match nft::supported()?.missing() {
        None => Ok("an owned table with ingress and egress".to_owned()),
        Some(reason) => Err(anyhow!("{reason}")),
    }
}

fn delays() -> Result<String> {
    match netem::supported()? {
        Support::Supported => Ok("put in place and taken away".to_owned()),
        Support::Missing { reason } => Err(anyhow!("{reason}")),
    }
}
