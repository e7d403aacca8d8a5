//! Cutting connections.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, Result, bail};

use super::super::{Namespace, Support};
use super::{Owner, SocketDiag, TcpSocket};
use crate::act::Traffic;

/// What was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Connections that matched; one with both its ends here counts once.
    pub found: usize,
    /// Those of them that are gone.
    pub gone: usize,
}

/// Cuts the connections that match, whatever `traffic` says of ways and interfaces, and looks which
/// of them are gone.
pub fn cut(namespace: &Namespace, owner: &Owner, traffic: &Traffic) -> Result<Cut> {
    let diagnosis = SocketDiag::open(namespace)?;
    let sockets = diagnosis.tcp()?;
    let matching: Vec<&TcpSocket> =
        owner.of(&sockets).into_iter().filter(|socket| is_meant(socket, traffic)).collect();
    for socket in &matching {
        diagnosis.destroy(socket).with_context(|| {
            format!("cannot cut the connection {} – {}", socket.local, socket.remote)
        })?;
        crate::failpoint::hit("mid-apply");
    }
    let now = diagnosis.tcp()?;
    let left = matching.iter().filter(|socket| now.iter().any(|other| other.is(socket)));
    let left: BTreeSet<_> = left.map(|socket| socket.connection()).collect();
    let found: BTreeSet<_> = matching.iter().map(|socket| socket.connection()).collect();
    Ok(Cut { found: found.len(), gone: found.len() - left.len() })
}

fn is_meant(socket: &TcpSocket, traffic: &Traffic) -> bool {
    !socket.listening
        && socket.fits(&traffic.flow)
        && !traffic.except.iter().any(|flow| socket.fits(flow))
}

/// Whether the kernel can cut a connection (`CONFIG_INET_DIAG_DESTROY`), found out by cutting one
/// within a scratch namespace.
pub fn destroy_supported() -> Result<Support> {
    let scratch = Namespace::create()?;
    let (listener, client) = scratch.run_in(|| -> Result<_> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        Ok((listener, client))
    })??;
    let ends = (client.local_addr()?, listener.local_addr()?);
    let diagnosis = SocketDiag::open(&scratch)?;
    let sockets = diagnosis.tcp()?;
    let Some(socket) = sockets.iter().find(|socket| (socket.local, socket.remote) == ends) else {
        bail!("the kernel does not list the connection that was just made in a scratch namespace");
    };
    Ok(match diagnosis.destroy(socket) {
        Ok(_) => Support::Supported,
        Err(error) => Support::Missing { reason: error.to_string() },
    })
}
