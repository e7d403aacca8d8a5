//! One line of text with styles, measured in columns. Whatever is put in is escaped.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::Mark;
use crate::report::escape::escape;

/// As the terminal's own text.
pub(super) const PLAIN: Style = Style::new();
/// What matters most.
pub(super) const BOLD: Style = Style::new().bold();
/// What matters least.
pub(super) const DIM: Style = Style::new().dimmed();
/// Good news.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// Doubtful news.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Bad news.
pub(super) const RED: Style = AnsiColor::Red.on_default();
/// What is being done.
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// The style of a mark.
pub(super) const fn of_mark(mark: Mark) -> Style {
    match mark {
        Mark::Good => GREEN,
        Mark::Bad => RED,
        Mark::Warning => YELLOW,
        Mark::Step | Mark::Again => CYAN,
        Mark::Note => DIM,
    }
}

/// A line in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Text(Vec<(Style, String)>);

impl Text {
    /// A line that begins with this.
    pub(super) fn new(style: Style, text: &str) -> Self {
        Self::default().add(style, text)
    }

    /// Appends text.
    pub(super) fn add(mut self, style: Style, text: &str) -> Self {
        self.0.push((style, escape(text).into_owned()));
        self
    }

    /// Appends another line.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Appends spaces up to a column; none if it is there already.
    pub(super) fn pad_to(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.add(PLAIN, &" ".repeat(missing))
    }

    /// Its columns.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// Cuts it to so many columns, with `…` in place of what is lost.
    pub(super) fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let (mut kept, mut left) = (Self::default(), columns.saturating_sub(1));
        for (style, text) in self.0 {
            let fitting = fit(&text, left);
            left -= fitting.width();
            let whole = fitting.len() == text.len();
            kept.0.push((style, fitting.to_owned()));
            if !whole {
                kept.0.push((style, "…".to_owned()));
                return kept;
            }
        }
        kept
    }

    /// Breaks it at spaces into lines of so many columns; all but the first begin with `hang`
    /// spaces. A longer word stays whole, so that it can be copied.
    pub(super) fn wrap(self, columns: usize, hang: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let (mut line, mut width, mut bare) = (Self::default(), 0, true);
        for (style, text) in self.0 {
            for word in text.split_inclusive(' ') {
                if !bare && width + word.trim_end().width() > columns {
                    lines.push(std::mem::take(&mut line));
                    line = Self::new(PLAIN, &" ".repeat(hang));
                    (width, bare) = (hang, true);
                }
                width += word.width();
                bare &= word.trim().is_empty();
                line.0.push((style, word.to_owned()));
            }
        }
        lines.push(line);
        lines
    }

    /// As it is written.
    pub(super) fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        let mut spans = self.0.as_slice();
        if let [rest @ .., (_, last)] = spans
            && last.trim_end().is_empty()
        {
            spans = rest;
        }
        for (style, text) in spans {
            if colour && !text.is_empty() && *style != PLAIN {
                // Writing to a string cannot fail.
                let _ = write!(out, "{style}{text}{style:#}");
            } else {
                out.push_str(text);
            }
        }
        if !colour {
            out.truncate(out.trim_end().len());
        }
        out
    }
}

/// The beginning of a text that fits into so many columns.
fn fit(text: &str, columns: usize) -> &str {
    let mut width = 0;
    for (index, character) in text.char_indices() {
        width += character.width().unwrap_or(0);
        if width > columns {
            return text.get(..index).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_count_double() {
        let text = Text::new(BOLD, "支払い").add(DIM, " service");
        assert_eq!(text.width(), 14);
        assert_eq!(text.clone().cut(6).render(false), "支払…");
        assert_eq!(text.cut(14).render(true), "\u{1b}[1m支払い\u{1b}[0m\u{1b}[2m service\u{1b}[0m");
    }

    #[test]
    fn lines_break_at_spaces_and_hang() {
        let lines = Text::new(PLAIN, "  ✓ one two").add(DIM, " three four").wrap(14, 4);
        let lines: Vec<_> = lines.iter().map(|line| line.render(false)).collect();
        assert_eq!(lines, ["  ✓ one two", "    three four"]);
    }

    proptest! {
        #[test]
        fn a_cut_line_fits(words in ".{0,40}", more in ".{0,40}", columns in 1..60_usize) {
            let text = Text::new(BOLD, &words).add(DIM, &more);
            prop_assert!(text.cut(columns).width() <= columns);
        }
    }
}
