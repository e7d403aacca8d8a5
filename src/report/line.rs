//! One line of a run's story.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sample::Elapsed;

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// When, in nanoseconds since the start of the run.
    pub at: Elapsed,
    /// Whether it is good or bad news.
    pub mark: Mark,
    /// Whether it belongs to the line above it.
    pub nested: bool,
    /// The news itself.
    pub text: String,
    /// What backs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Whether a line is good or bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As it should be.
    Good,
    /// Something broke or failed.
    Bad,
    /// Something to look at.
    Warning,
    /// A step of the method begins.
    Step,
    /// Something began again.
    Again,
    /// Merely so.
    Note,
}

impl Mark {
    /// One character, one column wide.
    #[must_use]
    pub const fn symbol(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Warning => '!',
            Self::Step => '▶',
            Self::Again => '↻',
            Self::Note => '·',
        }
    }
}
