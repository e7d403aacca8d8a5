//! What an act came to, and its undo.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProcessId;

/// Proof that an act is in effect, read back from the kernel and not from our own memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Effect {
    /// How sure it is.
    pub strength: Strength,
    /// What was seen, as a sentence fragment with figures.
    pub evidence: String,
}

/// How sure it is that an act is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Seen.
    Proved,
    /// Not seen yet: it is set up, but nothing has met it so far.
    Pending,
    /// Looked for and not there, or ended early.
    Absent,
}

impl Effect {
    /// An effect that was seen.
    pub fn proved(evidence: impl Into<String>) -> Self {
        Self { strength: Strength::Proved, evidence: evidence.into() }
    }

    /// An effect that nothing has met so far.
    pub fn pending(evidence: impl Into<String>) -> Self {
        Self { strength: Strength::Pending, evidence: evidence.into() }
    }

    /// An effect that is not there.
    pub fn absent(evidence: impl Into<String>) -> Self {
        Self { strength: Strength::Absent, evidence: evidence.into() }
    }
}

/// Identities that only the performed act could know; they go into the journal beside its undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Observed {
    /// Processes that the act started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessId>,
}

/// What an undo came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reverted {
    /// Undone, and seen to be gone.
    Restored,
    /// There was nothing left to undo: the target or the fault was gone.
    AlreadyGone,
    /// What is there now is not ours; it was left alone.
    NotOurs {
        /// What was found.
        found: String,
    },
    /// It could not be undone.
    Failed {
        /// Why.
        reason: String,
        /// What a person can do instead.
        manual: String,
    },
}

impl Reverted {
    /// Whether nothing of ours is left.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Restored | Self::AlreadyGone | Self::NotOurs { .. })
    }
}
