//! Processes that no selector reaches.

use std::fmt;

use super::read;
use super::table::Row;
use crate::error::Result;

/// Why a process that a selector matches is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// It is this very process.
    Itself,
    /// It has started this one, at some remove.
    Ancestor,
    /// It belongs to this tool: a run's controller, agent or helper.
    Tool,
    /// It is the first process of the host.
    Init,
    /// It is a thread of the kernel.
    KernelThread,
    /// It is dead already; its parent has not looked yet.
    Zombie,
    /// It matches `except`.
    Excepted,
}

/// Completes "the process …".
impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Itself => "is this shakedown itself",
            Self::Ancestor => "is an ancestor of this shakedown",
            Self::Tool => "belongs to shakedown",
            Self::Init => "is PID 1",
            Self::KernelThread => "is a thread of the kernel",
            Self::Zombie => "is a zombie",
            Self::Excepted => "is left out by `except`",
        })
    }
}

fn ancestors(itself: i32) -> Result<Vec<i32>> {
    let mut ancestors = Vec::new();
    let mut child = Row::read(itself)?;
    while let Some(row) = child.filter(|row| row.parent > 0) {
        ancestors.push(row.parent);
        child = Row::read(row.parent)?;
    }
    Ok(ancestors)
}

/// This process and its ancestors, as far as they can be read.
pub(super) fn lineage() -> Vec<i32> {
    let itself = std::process::id().cast_signed();
    let mut lineage = ancestors(itself).unwrap_or_default();
    lineage.insert(0, itself);
    lineage
}

/// This process, its ancestors and its agents.
#[derive(Clone, Debug)]
pub(super) struct Protection<'a> {
    itself: i32,
    ancestors: Vec<i32>,
    agents: &'a [i32],
}

impl<'a> Protection<'a> {
    /// Reads who the ancestors of this process are; `agents` are further processes to protect.
    pub(super) fn read(agents: &'a [i32]) -> Result<Self> {
        let itself = std::process::id().cast_signed();
        Ok(Self { itself, ancestors: ancestors(itself)?, agents })
    }

    /// Why the process must not be touched, if it must not.
    pub(super) fn of(&self, row: &Row) -> Option<Why> {
        let pid = row.id.pid;
        match pid {
            1 => Some(Why::Init),
            _ if pid == self.itself => Some(Why::Itself),
            _ if self.ancestors.contains(&pid) => Some(Why::Ancestor),
            _ if row.kernel_thread => Some(Why::KernelThread),
            _ if matches!(row.state, 'Z' | 'X' | 'x') => Some(Why::Zombie),
            _ if self.agents.contains(&pid) || read::is_tool(pid, &row.name) => Some(Why::Tool),
            _ => None,
        }
    }
}
