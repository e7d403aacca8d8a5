//! A namespace's state in comparable words, for the proof that nothing is left behind.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use netlink_packet_route::tc::TcHandle;

use super::netem::Parameters;
use super::qdisc::{self, QdiscInfo};
use super::{Link, Namespace, Route, RouteSocket, addresses, links, nft, routes};

/// The table of the host's own addresses (`RT_TABLE_LOCAL`). The kernel derives it from them, for
/// IPv6 a second or two later, after looking for duplicates.
const LOCAL_TABLE: u32 = 255;

/// One entry for each interface, address, route, queueing discipline and table of `nf_tables`: what
/// it is, and how it is set. No counters and no times, so that two snapshots are equal when nothing
/// was changed in between.
pub fn snapshot(namespace: &Namespace) -> Result<BTreeMap<String, String>> {
    let socket = RouteSocket::open(namespace)?;
    let links = links(&socket)?;
    let name = |index: u32| {
        let link = links.iter().find(|link| link.index == index);
        link.map_or_else(|| format!("#{index}"), |link| link.name.clone())
    };
    let mut all = BTreeMap::new();
    for link in &links {
        all.insert(format!("link {}", link.name), describe(link, link.master.map(name)));
    }
    for address in addresses(&socket)? {
        let key = format!("address {} {}", name(address.interface), address.network);
        all.insert(key, String::new());
    }
    let by_hand = |route: &Route| route.table != LOCAL_TABLE;
    for route in routes(&socket)?.into_iter().filter(by_hand) {
        let interface = route.interface.map(name).unwrap_or_default();
        let key = format!(
            "route {} dev {interface} table {} metric {}",
            route.destination, route.table, route.metric
        );
        let via = route.gateway.map(|gateway| format!("via {gateway} ")).unwrap_or_default();
        all.insert(key, format!("{via}{:?}", route.kind).to_lowercase());
    }
    for qdisc in qdisc::list(&socket)? {
        all.insert(place(&qdisc), format!("{qdisc} {}", parameters(&qdisc)));
    }
    for table in nft::tables(namespace)? {
        let owner = table.owned_by.map(|port| format!(" owner {port}")).unwrap_or_default();
        let key = format!("table {} {}", table.family, table.name);
        all.insert(key, format!("flags {}{owner}", table.flags));
    }
    Ok(all)
}

fn describe(link: &Link, master: Option<String>) -> String {
    let kind = link.kind.as_deref().unwrap_or("physical");
    let state = if link.up { "up" } else { "down" };
    let mut text = format!("{kind} {state} mtu {}", link.mtu);
    // Writing to a text cannot fail.
    if let Some(mac) = link.mac {
        let _ = write!(text, " mac {mac}");
    }
    if let Some(master) = master {
        let _ = write!(text, " master {master}");
    }
    text
}

fn place(qdisc: &QdiscInfo) -> String {
    let TcHandle { major, minor } = qdisc.parent;
    match qdisc.parent {
        TcHandle::ROOT => format!("qdisc {} root", qdisc.interface),
        TcHandle::INGRESS => format!("qdisc {} ingress", qdisc.interface),
        _ => format!("qdisc {} parent {major:x}:{minor:x}", qdisc.interface),
    }
}

fn parameters(qdisc: &QdiscInfo) -> String {
    if qdisc.kind == "netem"
        && let Some(parameters) = Parameters::parse(&qdisc.options)
    {
        return parameters.to_string();
    }
    qdisc.options.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
