//! The worker itself: `shakedown stress-worker`, started by the agent.

use std::io::Read;
use std::time::Duration;

use anyhow::Result;
use nix::time::{ClockId, clock_gettime};

use crate::sys::clock::boottime;

/// What a worker is told.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    /// The share of one processor, from 0 to 1.
    pub load: f64,
    /// The moment on `CLOCK_BOOTTIME` to end at, whoever still lives.
    pub deadline: Duration,
}

/// How long it works or sleeps before it looks again.
const SLICE: Duration = Duration::from_millis(2);
/// How much work it makes up for when others had the processor.
const BACKLOG: Duration = Duration::from_millis(50);

/// Waits for the word on standard input, then burns its share until the deadline or until the
/// agent is gone (when standard input ends without a word, it ends at once).
pub fn run_worker(worker: Worker) -> Result<()> {
    let mut word = [0_u8; 2];
    if std::io::stdin().read_exact(&mut word).is_err() {
        return Ok(());
    }
    let parent = nix::unistd::getppid();
    let mut owed = Duration::ZERO;
    let mut last = (boottime(), burnt());
    while boottime() < worker.deadline && nix::unistd::getppid() == parent {
        if owed.is_zero() && worker.load < 1.0 {
            std::thread::sleep(SLICE);
        } else {
            spin(SLICE.min(owed.max(SLICE / 8)));
        }
        let now = (boottime(), burnt());
        owed += now.0.saturating_sub(last.0).mul_f64(worker.load);
        owed = owed.saturating_sub(now.1.saturating_sub(last.1)).min(BACKLOG);
        last = now;
    }
    Ok(())
}

fn burnt() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

fn spin(time: Duration) {
    let end = burnt() + time;
    while burnt() < end {
        for _ in 0..1000 {
            std::hint::spin_loop();
        }
    }
}
