//! From a path to the characters it stands for. Only files with a mistake are searched, by a
//! second pass over the YAML that stops at the place and asks the parser where it is.

use std::fmt::Write as _;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path::{Path, Segment};

/// The value at the path, or the nearest value around it that is written in the file.
pub(super) fn value(text: &str, path: &Path) -> Option<Range<usize>> {
    let segments = path.segments();
    (0..=segments.len()).rev().find_map(|length| find(text, segments.get(..length)?, false))
}

/// The key at the end of the path; if it is not in the file, the value around it.
pub(super) fn key(text: &str, path: &Path) -> Option<Range<usize>> {
    find(text, path.segments(), true).or_else(|| value(text, path))
}

/// The word that starts at this byte; the last of the text if the byte is behind it.
pub(super) fn word(text: &str, byte: usize) -> Range<usize> {
    let end = text.trim_end_matches(['\n', '\r']).len();
    let start = char_start(text, byte.min(end));
    start..start + text.get(start..).map_or(0, width)
}

/// Where the parser was, in bytes.
pub(super) fn byte(text: &str, location: &serde_yaml::Location) -> usize {
    char_start(text, location.index())
}

/// The start of the character that this byte is part of.
fn char_start(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0)
}

/// The text with every control character, and every character that reorders others, written out.
pub(super) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        push_printable(&mut clean, character);
    }
    clean
}

/// The range of [`printable`] text that a range of the text became.
pub(super) fn in_printable(text: &str, span: Range<usize>) -> Range<usize> {
    let length = |end: usize| printable(text.get(..end).unwrap_or(text)).len();
    length(span.start)..length(span.end)
}

fn push_printable(clean: &mut String, character: char) {
    let reorders = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{061c}' | '\u{feff}');
    match character {
        '\n' => clean.push('\n'),
        '\r' => {}
        '\t' => clean.push(' '),
        _ if character.is_control() || reorders => {
            // Writing to a string cannot fail.
            let _ = write!(clean, "\\u{{{:x}}}", u32::from(character));
        }
        _ => clean.push(character),
    }
}

fn find(text: &str, segments: &[Segment], key: bool) -> Option<Range<usize>> {
    let finder = Finder { segments, key };
    let error = finder.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    error.to_string().contains(FOUND).then_some(())?;
    let start = byte(text, &error.location()?);
    Some(start..start + width(text.get(start..)?))
}

/// How long the key or plain value at the start of the text is; 1 for what spans lines.
fn width(rest: &str) -> usize {
    let line = rest.lines().next().unwrap_or_default();
    let quoted = |quote: char| {
        let inner = line.get(1..)?;
        Some(inner.find(quote)? + 2)
    };
    match line.chars().next() {
        None => 0,
        Some(quote @ ('"' | '\'')) => quoted(quote).unwrap_or(line.len()),
        Some('{' | '[' | '|' | '>') => 1,
        Some('-') if line == "-" || line.starts_with("- ") => 1,
        Some(first) => plain_width(line).max(first.len_utf8()),
    }
}

fn plain_width(line: &str) -> usize {
    let ends = [": ", " #", ", ", "}", "]"].iter().filter_map(|end| match *end {
        // `${name}` is no end of a flow map.
        "}" | "]" if line.contains("${") => None,
        end => line.find(end),
    });
    let end = ends.min().unwrap_or(line.len());
    line.get(..end).map_or(0, |text| text.trim_end().trim_end_matches(':').len())
}

const FOUND: &str = "this is the place";

/// Walks down the segments and fails there, so that the error carries the position.
struct Finder<'a> {
    segments: &'a [Segment],
    key: bool,
}

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Scalars are not visited one by one: a wrong type at the end of the path is the place.
        formatter.write_str(if self.segments.is_empty() { FOUND } else { "something else" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (wanted, rest) = match self.segments {
            [] => return Err(A::Error::custom(FOUND)),
            [Segment::Key(wanted), rest @ ..] => (wanted, rest),
            [Segment::Item(_), ..] => return Err(A::Error::custom("something else")),
        };
        let stop = self.key && rest.is_empty();
        while let Some(found) = map.next_key_seed(KeyFinder { wanted, stop })? {
            if found {
                return map.next_value_seed(Finder { segments: rest, key: self.key });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (wanted, rest) = match self.segments {
            [] => return Err(A::Error::custom(FOUND)),
            [Segment::Item(wanted), rest @ ..] => (wanted, rest),
            [Segment::Key(_), ..] => return Err(A::Error::custom("something else")),
        };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(Finder { segments: rest, key: self.key }).map(|_| ())
    }
}

/// Compares a key, and fails at it if it is the place.
struct KeyFinder<'a> {
    wanted: &'a str,
    stop: bool,
}

impl<'de> DeserializeSeed<'de> for KeyFinder<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyFinder<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match key == self.wanted {
            true if self.stop => Err(E::custom(FOUND)),
            found => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "a: 1\nlist:\n  - { key: value, other: \"two words\" }\n  - plain text # why\n";

    fn at(path: &Path) -> &'static str {
        &TEXT[value(TEXT, path).unwrap()]
    }

    #[test]
    fn values_and_keys_are_found() {
        let first = Path::of("list").item(0);
        assert_eq!(at(&Path::of("a")), "1");
        assert_eq!(at(&first), "{");
        assert_eq!(at(&first.key("key")), "value");
        assert_eq!(at(&first.key("other")), "\"two words\"");
        assert_eq!(at(&Path::of("list").item(1)), "plain text");
        assert_eq!(&TEXT[key(TEXT, &first.key("other")).unwrap()], "other");
        assert_eq!(key(TEXT, &first.key("other")).unwrap().start, 29);
    }

    #[test]
    fn what_is_not_there_falls_back_to_what_is_around_it() {
        let first = Path::of("list").item(0);
        assert_eq!(at(&first.key("missing").key("deeper")), "{");
        assert_eq!(at(&Path::of("a").item(3)), "1");
        assert_eq!(at(&Path::of("nothing")), "a");
    }

    #[test]
    fn positions_count_bytes_also_behind_wide_characters() {
        let text = "ä: ö\nb: 2\n";
        assert_eq!(&text[value(text, &Path::of("b")).unwrap()], "2");
    }

    #[test]
    fn control_characters_are_written_out_and_ranges_follow() {
        let text = "a: \u{1b}[31mred\u{202e}\nb: 2";
        assert_eq!(printable(text), "a: \\u{1b}[31mred\\u{202e}\nb: 2");
        let range = in_printable(text, text.len() - 1..text.len());
        assert_eq!(&printable(text)[range], "2");
    }
}
