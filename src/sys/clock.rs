//! The clocks that deadlines and journals are written in.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_gettime};

/// The time since boot, suspend included (`CLOCK_BOOTTIME`, `clock_gettime(2)`): the one clock for
/// deadlines, since nobody can set it.
///
/// # Panics
/// Never on Linux 2.6.39 or later, where the clock always exists; an older kernel reads as zero.
#[must_use]
pub fn boottime() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// What tells this boot from any other (`/proc/sys/kernel/random/boot_id`, random(4)).
pub fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    Ok(text.trim().to_owned())
}
