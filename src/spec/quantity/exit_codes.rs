//! Exit codes.

use std::fmt;
use std::str::FromStr;

use super::text::{digits, text_quantity};

/// A set of exit codes from 0 to 255, with commas between; `0` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitCodes(Vec<u8>);

impl ExitCodes {
    /// Whether the code is one of them.
    #[must_use]
    pub fn contains(&self, code: i32) -> bool {
        self.0.iter().any(|one| i32::from(*one) == code)
    }
}

impl Default for ExitCodes {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl FromStr for ExitCodes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| digits(part.trim())).collect::<Option<_>>().map(Self).ok_or_else(
            || {
                format!(
                    "`{text}` is no exit code; write one from 0 to 255, or several such as `0,2`"
                )
            },
        )
    }
}

impl fmt::Display for ExitCodes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<String> = self.0.iter().map(u8::to_string).collect();
        formatter.write_str(&codes.join(","))
    }
}

text_quantity!(ExitCodes, "an exit code from 0 to 255", r"^[0-9]{1,3}(, *[0-9]{1,3})*$", numbers);
