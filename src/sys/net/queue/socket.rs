//! A packet queue of our own in a network namespace.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::netlink::{Netlink, NetlinkError};
use super::inbox::Inbox;
use super::message::{self, Setup, Verdicts};

/// Where our numbers begin; others usually begin at 0.
const FIRST: u16 = 0x5d00;
/// How many numbers are tried.
const NUMBERS: u16 = 256;
/// What the kernel needs for one message beside the packet, in bytes.
const MESSAGE: usize = 2048;
/// How many verdicts are sent at once, in bytes: what fits every socket's buffer.
const VERDICTS: usize = 32 << 10;

/// A queue. The kernel ends it with its socket: what waits then is dropped, and a rule with
/// "bypass" lets pass what comes later.
#[derive(Debug)]
pub(super) struct QueueSocket {
    netlink: Netlink,
    number: u16,
    inbox: Inbox,
    /// Verdicts not sent yet.
    pub(super) verdicts: Verdicts,
}

impl QueueSocket {
    /// Opens a queue with a free number in the namespace of the calling thread. `unread` is how
    /// many packets may wait until we read them, which makes the difference when we get no
    /// processor for a while.
    pub(super) fn open(setup: &Setup, unread: usize) -> Result<Self> {
        let netlink = Netlink::open(NETLINK_NETFILTER)
            .context("cannot open a netlink socket for a packet queue")?;
        let place = usize::try_from(setup.copied)? + MESSAGE / 2;
        netlink
            .expect_floods(unread * MESSAGE)
            .context("cannot make room for packets in a netlink socket")?;
        let number = bind(&netlink)?;
        let sequence = netlink.next_sequence();
        netlink.send(&message::set_up(number, sequence, setup)).context("cannot set up a queue")?;
        netlink.answer(sequence, sequence).context("cannot set up a packet queue (NFQUEUE)")?;
        Ok(Self { netlink, number, inbox: Inbox::new(place), verdicts: Verdicts::new(number) })
    }

    /// Its number in its namespace.
    pub(super) const fn number(&self) -> u16 {
        self.number
    }

    /// Receives what is there without waiting; whether there was anything.
    pub(super) fn receive(&mut self) -> Result<bool> {
        let received = self.inbox.receive(&self.netlink);
        Ok(received.context("cannot read from a packet queue")? > 0)
    }

    /// What was received, and a place for verdicts on it.
    pub(super) fn received(&mut self) -> (impl Iterator<Item = &[u8]>, &mut Verdicts) {
        (self.inbox.datagrams(), &mut self.verdicts)
    }

    /// Sends the verdicts.
    pub(super) fn decide(&mut self) -> Result<()> {
        if !self.verdicts.bytes().is_empty() {
            self.netlink.send(self.verdicts.bytes()).context("cannot send verdicts to a queue")?;
            self.verdicts.clear();
        }
        Ok(())
    }

    /// Sends the verdicts if they are many.
    pub(super) fn decide_if_many(&mut self) -> Result<()> {
        if self.verdicts.bytes().len() > VERDICTS { self.decide() } else { Ok(()) }
    }
}

impl AsFd for QueueSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

/// Takes the first free number.
fn bind(netlink: &Netlink) -> Result<u16> {
    for number in (FIRST..).take(NUMBERS.into()) {
        let sequence = netlink.next_sequence();
        netlink.send(&message::bind(number, sequence)).context("cannot ask for a packet queue")?;
        match netlink.answer(sequence, sequence) {
            Ok(_) => return Ok(number),
            Err(NetlinkError::Refused(refusal))
                if matches!(refusal.errno, libc::EBUSY | libc::EPERM) => {}
            Err(error) => return Err(error).context("cannot make a packet queue (NFQUEUE)"),
        }
    }
    bail!("no packet queue is free: the numbers from {FIRST} to {} are taken", FIRST + NUMBERS - 1)
}
