//! Interfaces of our own, which a hardware address by chance tells from a stranger of the same name.

use anyhow::{Result, bail};

use super::{Link, Mac, Removed, RouteSocket, delete_link, link_named};

/// The interface of that name, if it has that hardware address.
pub(super) fn ours(socket: &RouteSocket, name: &str, mac: Mac) -> Result<Option<Link>> {
    Ok(link_named(socket, name)?.filter(|link| link.mac == Some(mac)))
}

/// Deletes the interface, if it has that hardware address, and looks that it is gone.
pub(super) fn delete(socket: &RouteSocket, name: &str, mac: Mac) -> Result<Removed> {
    let Some(link) = link_named(socket, name)? else { return Ok(Removed::AlreadyGone) };
    if link.mac != Some(mac) {
        return Ok(Removed::NotOurs { found: format!("another interface {name}") });
    }
    let deleted = delete_link(socket, link.index);
    if ours(socket, name, mac)?.is_some() {
        deleted?;
        bail!("interface {name} is still there after it was deleted")
    }
    Ok(Removed::Deleted)
}
