//! Waiting to the microsecond: the timers of the runtime round up to the next millisecond.

use std::collections::BTreeMap;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A clock that wakes the tasks of a runtime. Somebody must [`Alarm::drive`] it.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: AsyncFd<OwnedFd>,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    /// By the moment, then in the order they came.
    waiting: BTreeMap<(Instant, u64), Waker>,
    number: u64,
}

impl Alarm {
    /// Within a runtime only.
    pub(super) fn new() -> Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, flags).context("cannot make a timer")?;
        let timer = registered(timer).context("cannot wait for a timer")?;
        Ok(Self { timer, sleepers: Mutex::default() })
    }

    /// Wakes those whose time has come, for ever.
    pub(super) async fn drive(&self) {
        while let Ok(mut ready) = self.timer.readable().await {
            // What it says does not matter: those whose time has come are woken.
            let _ = rustix::io::read(ready.get_inner(), &mut [0; 8]);
            ready.clear_ready();
            while self.ring() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Ends when the moment has come.
    pub(super) fn until(self: &Arc<Self>, moment: Instant) -> Sleep {
        Sleep { alarm: Arc::clone(self), moment, number: None }
    }

    /// Wakes those whose time has come, and sets the timer for the next; whether that one is so
    /// near that it is not slept for.
    fn ring(&self) -> bool {
        let mut sleepers = self.sleepers();
        let now = Instant::now();
        while let Some(first) = sleepers.waiting.first_entry() {
            let left = first.key().0.saturating_duration_since(now);
            if left > LEAD {
                self.set(left);
                return false;
            }
            if !left.is_zero() {
                return true;
            }
            first.remove().wake();
        }
        false
    }

    /// Sets the timer a little early. An error would need a timer that is none.
    fn set(&self, wait: Duration) {
        let wait = wait.saturating_sub(LEAD);
        // Zero would stop the timer.
        let it_value = Timespec::try_from(wait.max(Duration::from_nanos(1))).unwrap_or(SOON);
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        let _ = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once);
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it takes to be woken from sleep on a machine that is not busy, and more: for so long
/// before a moment the thread stays awake, and does whatever else there is to do.
const LEAD: Duration = Duration::from_micros(100);

/// For a time that no clock can count to: to look again.
const SOON: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

#[expect(unsafe_code, reason = "tokio takes descriptors that stay open by an unsafe function only")]
fn registered(timer: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: it owns the descriptor, which is closed after it is deregistered.
    Ok(unsafe { AsyncFd::register(timer) }?)
}

/// A wait, from [`Alarm::until`].
#[derive(Debug)]
pub(super) struct Sleep {
    alarm: Arc<Alarm>,
    moment: Instant,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if self.moment <= now {
            return Poll::Ready(());
        }
        let alarm = Arc::clone(&self.alarm);
        let mut sleepers = alarm.sleepers();
        let number = *self.number.get_or_insert_with(|| {
            sleepers.number += 1;
            sleepers.number
        });
        sleepers.waiting.insert((self.moment, number), context.waker().clone());
        let first = sleepers.waiting.first_key_value();
        if first.is_some_and(|(key, _)| *key == (self.moment, number)) {
            alarm.set(self.moment.saturating_duration_since(now));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.alarm.sleepers().waiting.remove(&(self.moment, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_wake_in_their_order_and_none_before_its_time() {
        let alarm = Arc::new(Alarm::new().unwrap());
        let driver = tokio::spawn({
            let alarm = Arc::clone(&alarm);
            async move { alarm.drive().await }
        });
        let start = Instant::now();
        let waits = [9, 3, 6].map(|millis| {
            let moment = start + Duration::from_millis(millis);
            let sleep = alarm.until(moment);
            tokio::spawn(async move {
                sleep.await;
                assert!(Instant::now() >= moment);
                millis
            })
        });
        drop(alarm.until(start + Duration::from_millis(1)));
        for (wait, millis) in waits.into_iter().zip([9, 3, 6]) {
            assert_eq!(wait.await.unwrap(), millis);
        }
        assert!(alarm.sleepers().waiting.is_empty());
        driver.abort();
    }
}
