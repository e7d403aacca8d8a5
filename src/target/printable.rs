//! Names of processes are chosen by strangers; what would steer a terminal is shown as its code.

use std::fmt::Write as _;

/// The text with control characters, and those that change the direction of writing, escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || changes_direction(character) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The bidirectional formatting characters of Unicode (UAX #9), and the line separators.
const fn changes_direction(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The text cut to so many characters, with an ellipsis for the rest.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        insta::assert_snapshot!(printable("sleep\u{1b}[2J\n\u{202e}täg"), @r#"sleep\u{1b}[2J\n\u{202e}täg"#);
    }

    #[test]
    fn short_texts_stay() {
        assert_eq!(shortened("sleep", 5), "sleep");
        assert_eq!(shortened("sleeps", 5), "slee…");
    }
}
