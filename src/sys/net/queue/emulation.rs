//! An impairment carried out in user space, while this value lives.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::super::Namespace;
use super::super::nft::Action;
use super::emulator::Emulator;
use super::figures::Figures;
use super::injector::Injector;
use super::lane::Lane;
use super::message::{FAIL_OPEN, Setup, WHOLE};
use super::proc_file::queue_state;
use super::socket::QueueSocket;
use super::worker::{Order, PATIENCE, PAUSE, Shared, work};
use crate::act::{Hook, Impairment};

/// The bit of the mark that tells what we send from what others send. A packet carries it only from
/// our socket to the first rule of our own table.
pub(super) const MARK: u32 = 1 << 30;

/// The longest packet.
const WHOLE_PACKET: u32 = 0xffff;
/// Enough of it where only its length matters.
const BEGINNING: u32 = 20;
/// How many packets may wait that we have not read yet: what comes within a fifth of a second at
/// 80,000 packets/s, should we get no processor so long.
const UNREAD: u32 = 16_384;
/// How many packets may wait at most, in all: 1 GB of short ones.
const LONGEST: u32 = 1 << 18;
/// The rate that a queue is long enough for, in packets per second.
const ASSUMED_RATE: f64 = 100_000.0;

/// Packet queues in a network namespace with the thread that serves them. The kernel ends the
/// queues with this process; a rule with "bypass" then lets packets pass.
#[derive(Debug)]
pub(super) struct Emulation {
    queues: Vec<(Hook, u16)>,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

impl Emulation {
    /// Opens a queue for each hook and serves them. No packet comes before a rule leads there.
    pub(super) fn start(
        namespace: &Namespace,
        hooks: &[Hook],
        impairment: &Impairment,
    ) -> Result<Self> {
        refuse_impossible(hooks, impairment)?;
        let shared = Shared::new()?;
        // A thread is born into the namespace of its parent, and so the worker opens its raw
        // sockets there.
        let (queues, worker) = namespace.run_in(|| -> Result<_> {
            let lanes =
                hooks.iter().map(|hook| lane(*hook, impairment)).collect::<Result<Vec<_>>>()?;
            let queues = hooks.iter().copied().zip(lanes.iter().map(Lane::number)).collect();
            let shared = Arc::clone(&shared);
            let worker = thread::Builder::new()
                .name("packet-queue".into())
                .spawn(move || work(lanes, &shared))
                .context("cannot start a thread for a packet queue")?;
            Ok((queues, worker))
        })??;
        Ok(Self { queues, shared, worker: Some(worker) })
    }

    /// What the rules are to do with packets.
    pub(super) fn action(&self) -> Action {
        let of =
            |hook| self.queues.iter().find(|(of, _)| *of == hook).map_or(0, |(_, number)| *number);
        Action::Queue { ingress: of(Hook::Ingress), egress: of(Hook::Egress) }
    }

    /// What it has done so far.
    pub(super) fn figures(&self) -> Figures {
        self.shared.figures(|figures| figures.clone())
    }

    /// Lets everything go that is held, in order, and all packets pass from now on; returns when
    /// that is done.
    pub(super) fn pass(&self) {
        self.shared.give(Order::Pass);
        self.shared.await_idleness();
    }

    /// Waits, for a second at most, until no packet waits in the kernel, for which no rule may lead
    /// here any more.
    pub(super) fn drain(&self, namespace: &Namespace) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for (_, number) in &self.queues {
            let waits = || -> Result<bool> {
                let state = namespace.run_in(|| queue_state(*number))??;
                Ok(state.is_some_and(|queue| queue.waiting > 0))
            };
            while waits()? && Instant::now() < deadline {
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// Does again what it is for.
    pub(super) fn work(&self) {
        self.shared.give(Order::Work);
    }

    /// Ends when the last packet is through, for which no rule may lead here any more, and looks
    /// whether the queues are gone.
    pub(super) fn finish(mut self, namespace: &Namespace) -> Result<Figures> {
        self.end();
        for (_, number) in &self.queues {
            if namespace.run_in(|| queue_state(*number))??.is_some() {
                bail!("the packet queue {number} in {} is still there", namespace.id());
            }
        }
        Ok(self.figures())
    }

    fn end(&mut self) {
        self.shared.give(Order::End);
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            self.shared.figures(|figures| figures.ended = Some("its thread panicked".to_owned()));
        }
    }
}

impl Drop for Emulation {
    fn drop(&mut self) {
        self.end();
    }
}

/// An error for what cannot be done in user space, before anything is touched.
pub fn refuse_impossible(hooks: &[Hook], impairment: &Impairment) -> Result<()> {
    if matches!(impairment, Impairment::Duplicate(_)) && hooks.contains(&Hook::Ingress) {
        bail!(
            "the engine queue cannot duplicate what the target receives: there is no way to \
             receive a packet twice without touching the host; use `direction: to` on the other \
             side, or the engine netem"
        );
    }
    Ok(())
}

fn lane(hook: Hook, impairment: &Impairment) -> Result<Lane> {
    let unread = usize::try_from(UNREAD)?;
    let setup = setup(hook, impairment);
    let socket = QueueSocket::open(&setup, unread)?;
    let injector = (hook == Hook::Egress).then(|| Injector::new(MARK));
    let emulator = Emulator::new(impairment, ChaCha8Rng::from_rng(&mut rand::rng()));
    Ok(Lane::new(socket, emulator, injector, usize::try_from(setup.longest)?))
}

fn setup(hook: Hook, impairment: &Impairment) -> Setup {
    let bytes_matter = hook == Hook::Egress || matches!(impairment, Impairment::Corrupt(_));
    // What was put together on reception may wait together; everything else is about the single
    // packets of the wire, and what is sent a second time must have its checksum.
    let whole = hook == Hook::Ingress && matches!(impairment, Impairment::Delay(_));
    Setup {
        flags: if whole { FAIL_OPEN | WHOLE } else { FAIL_OPEN },
        longest: longest(impairment),
        copied: if bytes_matter { WHOLE_PACKET } else { BEGINNING },
    }
}

/// How many packets may wait, so that a delay does not become something else.
fn longest(impairment: &Impairment) -> u32 {
    let wait = match impairment {
        Impairment::Delay(delay) => delay.mean.get() + delay.jitter.get().saturating_mul(4),
        Impairment::Reorder(reorder) => reorder.delay.get(),
        Impairment::Limit(limit) => limit.queue.get(),
        Impairment::Lose(_) | Impairment::Duplicate(_) | Impairment::Corrupt(_) => return UNREAD,
    };
    let held = 1.5 * ASSUMED_RATE * wait.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
    let held = held.clamp(0.0, f64::from(LONGEST)) as u32;
    (held + UNREAD).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_long_enough_for_the_delay() {
        let of = |mean: &str| {
            let delay = serde_json::json!({"delay": {"mean": mean, "jitter": "0ms",
                "correlation": "0%", "distribution": "normal", "reorder": false}});
            longest(&serde_json::from_value(delay).unwrap())
        };
        assert_eq!([of("0ms"), of("100ms"), of("1h")], [16_384, 31_384, LONGEST]);
    }
}
