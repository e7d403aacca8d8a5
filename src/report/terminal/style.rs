//! What the stream at the other end can show.

use std::io::IsTerminal;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};

/// Whether and how to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether a block may be redrawn in place. Otherwise there are only lines.
    pub interactive: bool,
    /// Whether colours may be used.
    pub colour: bool,
    /// How much room there is.
    pub size: Size,
}

/// The room of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns, at least 20.
    pub columns: usize,
    /// Rows, at least 4.
    pub rows: usize,
}

impl Size {
    /// What is assumed where there is no terminal: lines that fit a CI server's log.
    pub const NONE: Self = Self { columns: 100, rows: 24 };

    /// Never less than can be drawn in.
    #[must_use]
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { columns: columns.max(20), rows: rows.max(4) }
    }
}

impl Style {
    /// Text only.
    pub const PLAIN: Self = Self { interactive: false, colour: false, size: Size::NONE };

    /// What a stream of this process can show. `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` are
    /// respected; in CI nothing is redrawn, whatever it claims to be.
    #[must_use]
    pub fn of(stream: &(impl RawStream + std::os::fd::AsFd)) -> Self {
        let colour = AutoStream::choice(stream) != ColorChoice::Never;
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
        let interactive = stream.as_fd().is_terminal() && !dumb && !ci;
        Self { interactive, colour, size: size_of(stream) }
    }
}

/// The size of the terminal behind a stream at this moment.
#[must_use]
pub fn size_of(stream: &impl std::os::fd::AsFd) -> Size {
    terminal_size::terminal_size_of(stream).map_or(Size::NONE, |(columns, rows)| {
        Size::new(usize::from(columns.0), usize::from(rows.0))
    })
}
