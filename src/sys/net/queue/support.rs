//! Whether this kernel can emulate networks in user space, found out by sending a packet.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::{Namespace, Support};
use super::diversion::Diversion;
use crate::act::{Delay, Flow, Hook, Impairment, Traffic};
use crate::spec::{Distribution, quantity};

/// How long the packet may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends a packet through a queue either way, on the loopback of a scratch namespace.
pub fn supported() -> Result<Support> {
    let namespace = Namespace::create()?;
    Ok(match attempt(&namespace) {
        Ok(()) => Support::Supported,
        Err(error) => Support::Missing { reason: format!("{error:#}") },
    })
}

fn attempt(namespace: &Namespace) -> Result<()> {
    let hooks = vec![Hook::Ingress, Hook::Egress];
    let delay = Impairment::Delay(Delay {
        mean: quantity::Duration::from_millis(1),
        jitter: quantity::Duration::default(),
        correlation: quantity::Percent::default(),
        distribution: Distribution::Uniform,
        reorder: false,
    });
    let interfaces = vec!["lo".to_owned()];
    let traffic = Traffic { hooks, flow: Flow::default(), except: Vec::new(), interfaces };
    let diversion = Diversion::start(namespace, "trial-queue", &traffic, &delay)?;
    let socket = namespace.run_in(|| UdpSocket::bind("127.0.0.1:0"))??;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(b"?", socket.local_addr()?)?;
    socket.recv(&mut [0]).context("a packet that was queued does not come out")?;
    let (_, figures) = diversion.remove(namespace)?;
    ensure!(figures.held == 2, "a packet passes by the queue");
    Ok(())
}
