//! Lines that stay, and below them a block that is redrawn in place. The cursor is never hidden
//! and always rests below the block: however the program ends, the prompt is on a line of its own.

use std::io::{ErrorKind, Write};

use super::style::Style;
use super::text::Text;

/// A stream that may be gone: the first failure is remembered, and nothing is written after it.
pub(super) struct Screen<'w> {
    out: &'w mut dyn Write,
    gone: bool,
    style: Style,
    /// The widths of the lines of the block that is on the screen.
    drawn: Vec<usize>,
}

impl<'w> Screen<'w> {
    pub(super) fn new(style: Style, out: &'w mut dyn Write) -> Self {
        Self { out, gone: false, style, drawn: Vec::new() }
    }

    pub(super) const fn style(&self) -> Style {
        self.style
    }

    pub(super) const fn style_mut(&mut self) -> &mut Style {
        &mut self.style
    }

    /// Writes lines above a new block in place of the old one, in a single write.
    pub(super) fn draw(&mut self, lines: &[Text], block: &[Text]) {
        if self.gone {
            return;
        }
        let mut frame = self.back_to_the_top();
        for line in lines.iter().chain(block) {
            // The whole line: a terminal that rewraps counts columns that were merely blanked.
            frame.push_str(if self.style.interactive { "\x1b[2K" } else { "" });
            frame.push_str(&line.render(self.style.colour));
            frame.push('\n');
        }
        if self.style.interactive {
            frame.push_str("\x1b[J");
        }
        self.drawn = block.iter().map(Text::width).collect();
        self.write(&frame);
    }

    /// A terminal that became narrower has broken the lines of the block into several.
    fn back_to_the_top(&self) -> String {
        let columns = self.style.size.columns;
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        match rows {
            0 => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }

    fn write(&mut self, frame: &str) {
        let written = self.out.write_all(frame.as_bytes()).and_then(|()| self.out.flush());
        // A terminal that is slow to take a frame is not gone.
        self.gone = written.is_err_and(|error| error.kind() != ErrorKind::WouldBlock);
    }

    /// Takes the block away; the lines stay.
    pub(super) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            self.draw(&[], &[]);
        }
    }
}
