//! Signals by name.

use std::fmt;
use std::str::FromStr;

use nix::sys::signal::Signal as Posix;

use super::text::text_quantity;

/// A POSIX signal by its name, with or without `SIG`, such as `TERM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signal(Posix);

impl Signal {
    /// Asks to end.
    pub const TERM: Self = Self(Posix::SIGTERM);
    /// Lets a stopped process run again.
    pub const CONT: Self = Self(Posix::SIGCONT);
    /// Ends.
    pub const KILL: Self = Self(Posix::SIGKILL);

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// As the system's interface has it.
    #[must_use]
    pub const fn get(self) -> Posix {
        self.0
    }
}

impl FromStr for Signal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = format!("SIG{}", text.strip_prefix("SIG").unwrap_or(text));
        Posix::from_str(&name)
            .map(Self)
            .map_err(|_| format!("`{text}` is no signal; write a name such as `TERM` or `KILL`"))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str().trim_start_matches("SIG"))
    }
}

text_quantity!(Signal, "the name of a signal, such as `TERM`", r"^(SIG)?[A-Z][A-Z0-9]+$");
