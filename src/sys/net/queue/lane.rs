//! One direction: a queue, what becomes of its packets, and what is held meanwhile.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use anyhow::Result;

use super::emulator::{Emulator, Fate};
use super::figures::Figures;
use super::injector::{Injector, Parcel};
use super::message::{Message, Packet, Verdict, Verdicts, parse};
use super::parcel::flip_bit;
use super::schedule::Schedule;
use super::socket::QueueSocket;

/// A direction.
#[derive(Debug)]
pub(super) struct Lane {
    socket: QueueSocket,
    desk: Desk,
}

/// Everything of a direction but its queue.
#[derive(Debug)]
struct Desk {
    emulator: Emulator,
    /// For what is sent; what is received stays in the kernel until its moment.
    injector: Option<Injector>,
    waiting: Schedule<Held>,
    /// Copies to be sent now.
    leaving: Vec<Parcel>,
    /// How many packets may wait.
    longest: usize,
    /// How many packets in the kernel wait for our verdict.
    undecided: usize,
    /// Whether all of them pass at once.
    passing: bool,
    /// The number of the last packet.
    last: u32,
}

/// A packet that waits.
#[derive(Debug)]
struct Held {
    since: Instant,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The packet itself, in the kernel.
    Original(u32),
    /// A copy; the original is gone, and its sender's buffer with it.
    Copy(Parcel),
}

impl Lane {
    pub(super) const fn new(
        socket: QueueSocket,
        emulator: Emulator,
        injector: Option<Injector>,
        longest: usize,
    ) -> Self {
        let desk = Desk {
            emulator,
            injector,
            waiting: Schedule::new(),
            leaving: Vec::new(),
            longest,
            undecided: 0,
            passing: false,
            last: 0,
        };
        Self { socket, desk }
    }

    /// The number of its queue.
    pub(super) const fn number(&self) -> u16 {
        self.socket.number()
    }

    /// When something is to be done next, unless packets come.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.desk.waiting.next_due()
    }

    /// From now on packets pass at once, those that wait first.
    pub(super) fn pass(&mut self, figures: &mut Figures) -> Result<()> {
        self.desk.passing = true;
        while let Some((due, held)) = self.desk.waiting.pop() {
            self.desk.let_go(held, due.min(Instant::now()), &mut self.socket.verdicts, figures);
            self.socket.decide_if_many()?;
        }
        self.flush(figures)
    }

    /// From now on it does again what it is for.
    pub(super) const fn work(&mut self) {
        self.desk.passing = false;
    }

    /// Lets go what is due.
    pub(super) fn release(&mut self, now: Instant, figures: &mut Figures) -> Result<()> {
        while let Some((due, held)) = self.desk.waiting.pop_due(now) {
            self.desk.let_go(held, due, &mut self.socket.verdicts, figures);
            self.socket.decide_if_many()?;
        }
        self.flush(figures)
    }

    /// Takes what has come; whether anything had.
    pub(super) fn receive(&mut self, figures: &mut Figures) -> Result<bool> {
        if !self.socket.receive()? {
            return Ok(false);
        }
        let now = Instant::now();
        let (datagrams, verdicts) = self.socket.received();
        for message in datagrams.filter_map(parse) {
            match message {
                Message::Packet(packet) => self.desk.take(&packet, now, verdicts, figures),
                // The kernel dropped the packet meanwhile.
                Message::Refused(libc::ENOENT) => figures.dropped += 1,
                Message::Refused(errno) => figures.failed = (figures.failed.0 + 1, errno),
            }
        }
        self.flush(figures)?;
        Ok(true)
    }

    /// Sends verdicts and copies.
    fn flush(&mut self, figures: &mut Figures) -> Result<()> {
        self.socket.decide()?;
        if let Some(injector) = &self.desk.injector
            && !self.desk.leaving.is_empty()
        {
            let sent = injector.send(&self.desk.leaving);
            self.desk.leaving.clear();
            figures.refused += sent.refused;
            if sent.failed > 0 {
                figures.failed = (figures.failed.0 + sent.failed, sent.errno);
            }
        }
        Ok(())
    }
}

impl Desk {
    fn take(
        &mut self,
        packet: &Packet<'_>,
        now: Instant,
        verdicts: &mut Verdicts,
        figures: &mut Figures,
    ) {
        figures.missed += u64::from(packet.id.wrapping_sub(self.last).saturating_sub(1));
        self.last = packet.id;
        figures.packets += 1;
        if self.passing {
            return self.decide(packet.id, Verdict::Accept, verdicts);
        }
        match self.emulator.fate(now, packet.length) {
            Fate::Pass => self.decide(packet.id, Verdict::Accept, verdicts),
            // As the kernel does with what waits there.
            Fate::Wait(_) if self.waiting.len() >= self.longest => {
                figures.missed += 1;
                self.decide(packet.id, Verdict::Accept, verdicts);
            }
            Fate::Wait(due) => self.hold(packet, now, due, verdicts),
            Fate::Vanish => {
                figures.vanished += 1;
                self.decide(packet.id, Verdict::Drop, verdicts);
            }
            Fate::Twice => {
                self.decide(packet.id, Verdict::Accept, verdicts);
                if let Some(copy) = self.copy(packet) {
                    figures.doubled += 1;
                    self.leaving.push(copy);
                }
            }
            Fate::Flip(random) => {
                figures.flipped += 1;
                let mut payload = packet.payload.to_vec();
                flip_bit(&mut payload, random);
                verdicts.changed(packet.id, &payload);
            }
        }
    }

    fn hold(&mut self, packet: &Packet<'_>, since: Instant, due: Instant, verdicts: &mut Verdicts) {
        let what = if let Some(copy) = self.copy(packet) {
            self.decide(packet.id, Verdict::Drop, verdicts);
            What::Copy(copy)
        } else {
            self.undecided += 1;
            What::Original(packet.id)
        };
        self.waiting.push(due, Held { since, what });
    }

    fn copy(&mut self, packet: &Packet<'_>) -> Option<Parcel> {
        self.injector.as_mut()?.copy(packet)
    }

    /// Decides on a packet that has just come.
    fn decide(&self, id: u32, verdict: Verdict, verdicts: &mut Verdicts) {
        // The cheaper message would also decide on those that wait.
        if self.undecided == 0 { verdicts.up_to(id, verdict) } else { verdicts.one(id, verdict) }
    }

    fn let_go(&mut self, held: Held, due: Instant, verdicts: &mut Verdicts, figures: &mut Figures) {
        let now = Instant::now();
        figures.released(now - held.since, now.saturating_duration_since(due));
        match held.what {
            What::Original(id) => {
                self.undecided -= 1;
                verdicts.one(id, Verdict::Accept);
            }
            What::Copy(parcel) => self.leaving.push(parcel),
        }
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
