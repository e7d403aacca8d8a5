//! How much room a file system has, and how much of it a fill needs.

use std::os::fd::BorrowedFd;

use anyhow::{Result, bail};
use rustix::fs::{StatFs, fstatfs};

use crate::spec::Amount;
use crate::spec::quantity::Size;

/// The room on a file system, from `fstatfs(2)`.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    kind: i64,
    block: u64,
    blocks: u64,
    free: u64,
    available: u64,
}

/// File systems that hold no data of their own, by their magic numbers (statfs(2)).
const PSEUDO: [(i64, &str); 11] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x1cd1, "devpts"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0xcafe_4a11, "bpf"),
    (0x1980_0202, "mqueue"),
    (0x9584_58f6, "hugetlbfs"),
];
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

impl Room {
    pub(super) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        let StatFs { f_type, f_bsize, f_blocks, f_bfree, f_bavail, .. } = fstatfs(fd)?;
        let block = u64::try_from(f_bsize)?;
        Ok(Self { kind: f_type, block, blocks: f_blocks, free: f_bfree, available: f_bavail })
    }

    /// What ordinary users may still take, in bytes; the reserve of the superuser is not part of it.
    #[must_use]
    pub const fn available(&self) -> u64 {
        self.available * self.block
    }

    /// The size that `df` counts shares of: what is used and what is available.
    #[must_use]
    pub const fn total(&self) -> u64 {
        (self.blocks - self.free + self.available) * self.block
    }

    /// The name of a file system that holds no data of its own.
    #[must_use]
    pub fn pseudo(&self) -> Option<&'static str> {
        PSEUDO.iter().find(|(kind, _)| *kind == self.kind).map(|(_, name)| *name)
    }

    /// Whether its data lives in memory.
    #[must_use]
    pub const fn in_memory(&self) -> bool {
        matches!(self.kind, TMPFS | RAMFS)
    }

    /// The bytes to take, never from the superuser's reserve. It is an error if there is not so
    /// much room, or if there is already less than asked for.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a size that fits"
    )]
    #[expect(clippy::cast_precision_loss, reason = "one part in 2^52 of a disk is no matter")]
    pub fn needed(&self, amount: Amount) -> Result<u64> {
        let available = self.available();
        let used = (self.blocks - self.free) * self.block;
        let bytes = match amount {
            Amount::Size(size) => Some(size.bytes()),
            Amount::Percent(share) => {
                ((self.total() as f64 * share.fraction()) as u64).checked_sub(used)
            }
            Amount::LeaveFree(free) => available.checked_sub(free.bytes()),
        };
        match bytes {
            Some(bytes) if bytes > available => bail!(
                "{} is more than the {} that are free; use `leave-free`",
                Size::from_bytes(bytes),
                Size::from_bytes(available)
            ),
            Some(bytes) if bytes > 0 => Ok(bytes),
            _ => bail!(
                "the file system is already that full: {} are free",
                Size::from_bytes(available)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { kind: 0xef53, block: 4096, blocks: 1000, free: 500, available: 400 };

    fn needed(amount: Amount) -> Option<u64> {
        ROOM.needed(amount).ok()
    }

    #[test]
    fn the_reserve_is_never_touched() {
        let all = 400 * 4096;
        assert_eq!(needed(Amount::Size(Size::from_bytes(all))), Some(all));
        assert_eq!(needed(Amount::Size(Size::from_bytes(all + 1))), None);
        assert_eq!(needed(Amount::LeaveFree(Size::from_bytes(0))), Some(all));
        assert_eq!(needed(Amount::Percent("100%".parse().unwrap())), Some(all));
    }

    #[test]
    fn a_share_counts_as_df_does() {
        assert_eq!(needed(Amount::Percent("80%".parse().unwrap())), Some(220 * 4096));
    }

    #[test]
    fn what_is_already_fuller_is_refused() {
        assert_eq!(needed(Amount::Percent("50%".parse().unwrap())), None);
        assert_eq!(needed(Amount::LeaveFree(Size::from_bytes(500 * 4096))), None);
        assert_eq!(needed(Amount::Size(Size::from_bytes(0))), None);
    }
}
