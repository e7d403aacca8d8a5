//! What deserialization complains about, with the way to its place.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::mistakes::{Mistake, Place};
use super::nearest;
use super::path::{Path, Segment};

/// An error of deserialization, structured: serde's words are translated into the file's.
#[derive(Debug)]
pub(super) struct Complaint {
    message: String,
    help: Option<String>,
    path: Path,
    at_key: bool,
}

impl Complaint {
    /// A complaint about the value at hand.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, path: Path::default(), at_key: false }
    }

    /// The complaint as its parent sees it.
    pub(super) fn inside(mut self, segment: Segment) -> Self {
        self.path.prepend(segment);
        self
    }

    /// The complaint is about this key itself.
    pub(super) fn about_key(mut self, key: &str) -> Self {
        self.at_key = true;
        self.inside(Segment::Key(key.to_owned()))
    }

    /// As a mistake below this path.
    pub(super) fn below(self, parent: &Path) -> Mistake {
        let path = self.path.below(parent);
        let place = if self.at_key { Place::Key(path) } else { Place::Value(path) };
        Mistake::new(place, self.message).help(self.help)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Complaint {}

impl de::Error for Complaint {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", wanted(expected), seen(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut complaint = Self::new(format!("there is no field `{field}` here"));
        complaint.help = nearest::hint(field, expected.iter().copied());
        complaint
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut complaint = Self::new(format!("`{variant}` is not one of the choices"));
        complaint.help = nearest::hint(variant, expected.iter().copied());
        complaint
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the field `{field}` is missing"))
    }
}

/// What serde expects, in words.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let number = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    match text.as_str() {
        "u8" => number("0", "255"),
        "u16" => number("0", "65535"),
        "u32" => number("0", "4294967295"),
        "i32" => number("-2147483648", "2147483647"),
        "a string" | "path string" => "text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        _ if text.starts_with("struct ") || text == "a map" => "a map".to_owned(),
        _ => text,
    }
}

/// What is there, in words.
fn seen(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the text `{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}
