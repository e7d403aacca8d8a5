//! Errors that end a command: what could not be done and why (an `anyhow` chain), which outcome
//! that is, and what to do next.

use std::fmt;

use crate::outcome::Outcome;

/// An error with the outcome it stands for and hints for the reader.
#[derive(Debug)]
pub struct Error {
    outcome: Outcome,
    cause: anyhow::Error,
    hints: Vec<String>,
}

/// The result of everything that may end a command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given outcome.
    pub fn new(outcome: Outcome, cause: impl Into<anyhow::Error>) -> Self {
        Self { outcome, cause: cause.into(), hints: Vec::new() }
    }

    /// A mistake of the caller's: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Outcome::Usage, anyhow::anyhow!("{message}"))
    }

    /// Something the host or the limits do not let us do: exit code 4.
    pub fn not_injected(message: impl fmt::Display) -> Self {
        Self::new(Outcome::NotInjected, anyhow::anyhow!("{message}"))
    }

    /// Adds what the reader can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The outcome, and with it the exit code.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why, as a value: some causes are printed as more than a sentence.
    #[must_use]
    pub const fn cause(&self) -> &anyhow::Error {
        &self.cause
    }

    /// What to do next, in the order added.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#}", self.cause)
    }
}

/// An error nobody classified is one of the host: nothing was injected for it.
impl From<anyhow::Error> for Error {
    fn from(cause: anyhow::Error) -> Self {
        Self::new(Outcome::NotInjected, cause)
    }
}

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Self {
        Self::new(Outcome::NotInjected, cause)
    }
}
