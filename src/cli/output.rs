//! The only writer to standard output and error: a closed pipe never ends a command early, and
//! control characters from outside never reach a terminal.

use std::fmt::Display;
use std::io::{self, Write};

use crate::error::{Error, Result};
use crate::report::Style;
use crate::spec::Mistakes;
use crate::target::printable;

/// Writes the result of a command. Whoever closed the pipe does not want it.
pub(super) fn result(text: impl Display) {
    let _ = write!(anstream::stdout().lock(), "{text}").and_then(|()| io::stdout().flush());
}

/// How many columns a result may have.
pub(super) fn width() -> u16 {
    u16::try_from(Style::of(&io::stdout()).size.columns).unwrap_or(u16::MAX)
}

/// Writes the result of a command as indented JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    result(format_args!("{text}\n"));
    Ok(())
}

/// Writes a remark to standard error.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Writes an error and what to do next to standard error. Mistakes in a file come as a picture of
/// the place.
pub(super) fn error(error: &Error) {
    match error.cause().downcast_ref::<Mistakes>() {
        Some(mistakes) => {
            note(mistakes.render(Style::of(&io::stderr()).colour));
            hints(error.hints());
        }
        None => problem(&error.to_string(), error.hints()),
    }
}

/// Writes what is wrong, and what to do next, to standard error.
pub(super) fn problem(text: &str, next: &[String]) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    note(format_args!("{red}error{red:#}: {}", lines(text)));
    hints(next);
}

fn hints(hints: &[String]) {
    let cyan = anstyle::AnsiColor::Cyan.on_default().bold();
    for hint in hints.iter().filter(|hint| !hint.is_empty()) {
        note(format_args!("{cyan}help{cyan:#}: {}", lines(hint)));
    }
}

/// Every line with what would steer a terminal written out; further lines are indented.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().split('\n').map(printable).collect();
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_escapes_are_shown() {
        assert_eq!(lines("one\u{1b}[2J\ntwo\r!\n"), "one\\u{1b}[2J\n  two\\r!");
    }
}
