//! The thread that moves packets.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::figures::Figures;
use super::lane::Lane;
use super::proc_file::queue_state;

/// How long packets that are still on their way to us are waited for in the end.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How often the kernel is asked meanwhile whether there are any.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// What the worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    /// What the act says.
    Work = 0,
    /// Let all packets pass at once.
    Pass = 1,
    /// The same, and end when no packet comes any more.
    End = 2,
}

/// What a worker and its master share.
#[derive(Debug)]
pub(super) struct Shared {
    order: AtomicU8,
    /// Wakes the worker.
    bell: OwnedFd,
    figures: Mutex<Figures>,
    /// Whether nothing is held any more.
    idle: Mutex<bool>,
    became_idle: Condvar,
}

impl Shared {
    pub(super) fn new() -> Result<Arc<Self>> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        Ok(Arc::new(Self {
            order: AtomicU8::new(Order::Work as u8),
            bell: bell.context("cannot make an event descriptor")?,
            figures: Mutex::default(),
            idle: Mutex::new(false),
            became_idle: Condvar::new(),
        }))
    }

    /// Gives an order; nothing takes back the one to end.
    pub(super) fn give(&self, order: Order) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let changed = |now: u8| (now != Order::End as u8).then_some(order as u8);
        // An error means that it ends.
        let _ = self.order.fetch_update(Ordering::SeqCst, Ordering::SeqCst, changed);
        // The counter cannot overflow with so few orders, and there is no other error.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    /// Waits, for a second at most, until the worker has let everything go and found its queues empty.
    pub(super) fn await_idleness(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether in time or not, what follows is the same.
        let _ = self.became_idle.wait_timeout_while(idle, PATIENCE, |idle| !*idle);
    }

    fn note_idleness(&self) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.became_idle.notify_all();
    }

    /// Stops the bell; what it rang for is looked at afterwards.
    fn silence(&self) {
        // An error means that it did not ring.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    fn order(&self) -> Order {
        match self.order.load(Ordering::SeqCst) {
            0 => Order::Work,
            1 => Order::Pass,
            _ => Order::End,
        }
    }

    /// Looks at the figures, or changes them.
    pub(super) fn figures<T>(&self, act: impl FnOnce(&mut Figures) -> T) -> T {
        act(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Moves packets until the order to end. The queues end with it, after an error too: then packets
/// pass.
pub(super) fn work(lanes: Vec<Lane>, shared: &Shared) {
    // By default the kernel may wake us 50 µs late to wake others at the same time.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    let mut worker = Worker { lanes, shared, passing: false };
    if let Err(error) = worker.run() {
        shared.figures(|figures| figures.ended = Some(format!("{error:#}")));
    }
    shared.note_idleness();
}

struct Worker<'a> {
    lanes: Vec<Lane>,
    shared: &'a Shared,
    passing: bool,
}

impl Worker<'_> {
    fn run(&mut self) -> Result<()> {
        while self.shared.order() != Order::End {
            match self.shared.order() {
                Order::Work => self.work(),
                Order::Pass | Order::End => self.pass()?,
            }
            if !self.turn()? {
                if self.passing {
                    self.shared.note_idleness();
                }
                self.wait(None)?;
                self.shared.silence();
            }
        }
        self.pass()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && (self.turn()? || self.anything_waits()?) {
            self.wait(Some(PAUSE))?;
        }
        Ok(())
    }

    /// Lets go what is due and takes what has come; whether anything had.
    fn turn(&mut self) -> Result<bool> {
        let (lanes, shared) = (&mut self.lanes, self.shared);
        shared.figures(|figures| {
            let mut came = false;
            for lane in lanes {
                lane.release(Instant::now(), figures)?;
                came |= lane.receive(figures)?;
            }
            Ok(came)
        })
    }

    fn pass(&mut self) -> Result<()> {
        if self.passing {
            return Ok(());
        }
        self.passing = true;
        let lanes = &mut self.lanes;
        self.shared.figures(|figures| lanes.iter_mut().try_for_each(|lane| lane.pass(figures)))
    }

    fn work(&mut self) {
        if std::mem::take(&mut self.passing) {
            self.lanes.iter_mut().for_each(Lane::work);
        }
    }

    /// Whether the kernel has packets for us.
    fn anything_waits(&self) -> Result<bool> {
        for lane in &self.lanes {
            if queue_state(lane.number())?.is_some_and(|queue| queue.waiting > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until a packet comes or is due, an order is given, or a time has passed.
    fn wait(&self, longest: Option<Duration>) -> Result<()> {
        let now = Instant::now();
        let due = self.lanes.iter().filter_map(Lane::next_due).min();
        let due = due.map(|due| due.saturating_duration_since(now));
        let timeout = [due, longest].into_iter().flatten().min();
        let timeout = timeout.map(Timespec::try_from).transpose()?;
        let bell = std::iter::once(self.shared.bell.as_fd());
        let lanes = self.lanes.iter().map(AsFd::as_fd);
        let mut awaited: Vec<PollFd<'_>> = lanes
            .chain(bell)
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        match poll(&mut awaited, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("cannot wait for packets"),
        }
    }
}
