//! How an act's undo is guaranteed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Engine;

/// What has to live for the undo to happen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Class {
    /// Kernel-held: gone when its holder's file descriptor or process is gone, even by SIGKILL.
    K,
    /// Guarded: the agent undoes it; if the agent dies the controller starts another that does.
    G,
    /// Journaled: when both died, the next command on the host or `rollback` undoes it.
    J,
    /// Irreversible: cannot be undone.
    X,
}

impl Class {
    /// The class of what an engine does.
    #[must_use]
    pub const fn of_engine(engine: Engine) -> Self {
        match engine {
            Engine::Queue | Engine::Nft => Self::K,
            Engine::Netem | Engine::Tbf | Engine::Iptables => Self::G,
        }
    }

    /// The class in one word, for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::K => "kernel-held",
            Self::G => "guarded",
            Self::J => "journaled",
            Self::X => "irreversible",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}
