//! What is wrong with a file, with its place, printed as a compiler does.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::path::Path;
use super::source;
use crate::outcome::Outcome;

/// What a mistake points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A value.
    Value(Path),
    /// The key of a value.
    Key(Path),
    /// A byte of the text, for text that is no YAML.
    Byte(usize),
    /// Nothing in the text.
    Nowhere,
}

/// One mistake: what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    message: String,
    place: Place,
    help: Option<String>,
}

impl Mistake {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { message: message.into(), place, help: None }
    }

    /// A mistake in the value at this path.
    pub(super) fn at(path: Path, message: impl Into<String>) -> Self {
        Self::new(Place::Value(path), message)
    }

    pub(super) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// What is wrong and what would be right, where no text can be pointed at.
    pub(super) fn sentence(&self) -> String {
        self.help
            .as_ref()
            .map_or_else(|| self.message.clone(), |help| format!("{}; {help}", self.message))
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Value(path) | Place::Key(path) => Some(path),
            Place::Byte(_) | Place::Nowhere => None,
        }
    }

    fn span(&self, text: &str) -> Option<Range<usize>> {
        match &self.place {
            Place::Value(path) => source::value(text, path),
            Place::Key(path) => source::key(text, path),
            Place::Byte(byte) => Some(source::word(text, *byte)),
            Place::Nowhere => None,
        }
    }
}

/// More mistakes than these are only counted.
const SHOWN: usize = 20;

/// Everything that is wrong with an experiment file; at least one mistake.
#[derive(Clone, Debug)]
pub struct Mistakes {
    origin: String,
    text: String,
    list: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn new(origin: &str, text: &str, list: Vec<Mistake>) -> Self {
        Self { origin: origin.to_owned(), text: text.to_owned(), list }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Each with its line and a caret below the place, with escape codes for colours or without.
    /// No control character of the file reaches the output.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let text = source::printable(&self.text);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let shown = self.list.iter().take(SHOWN);
        let mut reports: Vec<String> =
            shown.map(|mistake| self.snippet(mistake, &text, &renderer)).collect();
        if self.list.len() > SHOWN {
            reports.push(format!("and {} more", self.list.len() - SHOWN));
        }
        reports.join("\n\n")
    }

    fn snippet(&self, mistake: &Mistake, text: &str, renderer: &Renderer) -> String {
        let clean = |text: &str| source::printable(text).replace('\n', "\\n");
        let origin = clean(&self.origin);
        let title = Level::ERROR.primary_title(clean(&mistake.message));
        let place = mistake.path().map(|path| clean(&path.to_string()));
        let help = mistake.help.as_deref().map(clean);
        let mut group = match mistake.span(&self.text) {
            Some(span) => {
                title.element(Snippet::source(text).path(origin).annotation(
                    AnnotationKind::Primary.span(source::in_printable(&self.text, span)),
                ))
            }
            None => Group::with_title(title).element(Level::NOTE.message(format!("in {origin}"))),
        };
        if let Some(place) = place.filter(|place| !place.is_empty()) {
            group = group.element(Level::NOTE.with_name("at").message(place));
        }
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}

impl From<Mistakes> for crate::error::Error {
    fn from(mistakes: Mistakes) -> Self {
        Self::new(Outcome::Usage, mistakes)
    }
}
