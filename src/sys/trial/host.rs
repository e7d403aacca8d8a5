//! What this host says of itself and of us.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The capabilities in effect (capabilities(7)), one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Those of this process, from `CapEff` of `/proc/self/status` (proc(5)).
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string("/proc/self/status").context("cannot read our own status")?;
        Self::parse(&text).context("/proc/self/status has no CapEff")
    }

    fn parse(status: &str) -> Option<Self> {
        let value = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(value.trim(), 16).ok().map(Self)
    }

    /// Whether the capability of this number (`linux/capability.h`) is among them.
    #[must_use]
    pub const fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }
}

/// The kernel's release, such as `6.1.0-18-amd64`.
pub fn kernel() -> Result<String> {
    let path = "/proc/sys/kernel/osrelease";
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    Ok(text.trim().to_owned())
}

/// `kernel.yama.ptrace_scope` (Documentation/admin-guide/LSM/Yama.rst), from 0 to 3; `None` where
/// the kernel is without Yama.
#[must_use]
pub fn ptrace_scope() -> Option<u8> {
    fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?.trim().parse().ok()
}

/// Whether systemd is the host's first process (`sd_booted(3)`).
#[must_use]
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_bits() {
        let all = Capabilities::parse("Name:\tx\nCapEff:\t000001fffeffffff\n").unwrap();
        assert!(all.has(12) && all.has(40) && !all.has(24) && !all.has(41));
        assert!(Capabilities::read().is_ok());
    }
}
