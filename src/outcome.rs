//! What a run came to: one ordered scale, combined by the worst, mapped to the exit code.

use std::fmt;
use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a run. The discriminant is the exit code; [`Outcome::worst`] orders by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Outcome {
    /// The hypothesis held, every fault proved effective, everything was rolled back.
    Held = 0,
    /// A tolerance was broken: a weakness was found.
    Deviated = 1,
    /// The command line or the experiment file is wrong; nothing was touched.
    Usage = 2,
    /// The hypothesis did not hold before the method; nothing was injected.
    Unsteady = 3,
    /// No target, no permission, a missing kernel feature or a refused limit; rolled back.
    NotInjected = 4,
    /// The operator or an abort condition ended the run early; rolled back.
    Aborted = 5,
    /// Not everything could be undone. Always wins.
    Residue = 6,
    /// Too few samples, probes that could not measure, or a fault without proved effect.
    Inconclusive = 7,
}

impl Outcome {
    /// Every outcome, in the order of the exit codes.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Deviated,
        Self::Usage,
        Self::Unsteady,
        Self::NotInjected,
        Self::Aborted,
        Self::Residue,
        Self::Inconclusive,
    ];

    /// The process's exit code, fixed for all versions.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Combines two outcomes: the more severe one. A broken tolerance that was really measured
    /// outranks a doubtful measurement elsewhere; nothing outranks residue.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }

    const fn severity(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Inconclusive => 1,
            Self::Deviated => 2,
            Self::Aborted => 3,
            Self::Unsteady => 4,
            Self::NotInjected => 5,
            Self::Usage => 6,
            Self::Residue => 7,
        }
    }

    /// The word printed for it, the same as in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Deviated => "deviated",
            Self::Usage => "usage",
            Self::Unsteady => "unsteady",
            Self::NotInjected => "not-injected",
            Self::Aborted => "aborted",
            Self::Residue => "residue",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residue_always_wins() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.worst(Outcome::Residue), Outcome::Residue);
            assert_eq!(Outcome::Residue.worst(outcome), Outcome::Residue);
        }
    }

    #[test]
    fn held_never_wins() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.worst(Outcome::Held), outcome);
            assert_eq!(Outcome::Held.worst(outcome), outcome);
        }
    }
}
