//! From YAML to the tree, strictly: one document, no tags, no duplicate keys, no number in
//! disguise, and never more work than the size of the file explains.

mod key;
mod raw;

use std::cell::{Cell, RefCell};
use std::fmt;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use self::key::Key;
use self::raw::Raw;
use super::mistakes::{Mistake, Place};
use super::node::Node;
use super::source;

/// The largest file, in bytes.
const LARGEST: usize = 256 * 1024;
/// How deep maps and lists may nest.
const DEEPEST: u32 = 32;
/// How many values a file may have after its aliases are expanded.
const MOST: u32 = 20_000;

/// How many bytes of text a file may have after its aliases are expanded.
const MOST_TEXT: usize = 4 * LARGEST;

/// Reads the one document of a file.
pub(super) fn read(text: &str) -> Result<Node, Mistake> {
    if text.len() > LARGEST {
        let message = format!("the file has {} bytes; the most is 256 KiB", text.len());
        return Err(Mistake::new(Place::Nowhere, message));
    }
    let reading = Reading::default();
    let seed = Seed { reading: &reading, depth: 0 };
    let node = seed
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| reading.mistake(text, &error))?;
    Raw { reading: &reading, node: &node }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| reading.mistake(text, &error))?;
    Ok(node)
}

/// What is common to all values of one reading.
#[derive(Default)]
struct Reading {
    count: Cell<u32>,
    text: Cell<usize>,
    problem: RefCell<Option<(String, Option<String>)>>,
}

impl Reading {
    /// Notes a problem of ours; the error only carries its position.
    fn refuse<E: Error>(&self, message: impl Into<String>, help: &str) -> E {
        let help = (!help.is_empty()).then(|| help.to_owned());
        *self.problem.borrow_mut() = Some((message.into(), help));
        E::custom("")
    }

    fn mistake(&self, text: &str, error: &serde_yaml::Error) -> Mistake {
        let place =
            error.location().map_or(Place::Nowhere, |at| Place::Byte(source::byte(text, &at)));
        if let Some((message, help)) = self.problem.take() {
            return Mistake::new(place, message).help(help);
        }
        let message = error.to_string();
        if message.contains("more than one document") {
            let second = text.rfind("\n---").map_or(Place::Nowhere, |byte| Place::Byte(byte + 1));
            return Mistake::new(second, "the file holds more than one document")
                .help("write one experiment to a file".to_owned());
        }
        let what = message.split(" at line ").next().unwrap_or_default();
        let what = what.split(" at position ").next().unwrap_or_default();
        let help = yaml_help(what, text, &place);
        Mistake::new(place, format!("this is no YAML: {what}")).help(help)
    }
}

fn yaml_help(what: &str, text: &str, place: &Place) -> Option<String> {
    let tab = matches!(place, Place::Byte(byte) if text.as_bytes().get(*byte) == Some(&b'\t'));
    let help = if tab {
        "YAML is indented with spaces, not with tabs"
    } else if what.contains("cannot start any token") {
        "put text that starts with a special character in quotes"
    } else if what.contains("mapping values are not allowed") {
        "put text that holds `: ` in quotes, or look at the indentation"
    } else if what.contains("did not find expected") {
        "look at the indentation, and for a bracket or quote that is not closed"
    } else {
        return None;
    };
    Some(help.to_owned())
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    reading: &'a Reading,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        let count = self.reading.count.get() + 1;
        self.reading.count.set(count);
        if count > MOST {
            return Err(self.reading.refuse(format!("the file has more than {MOST} values"), ""));
        }
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.count()?;
        if self.depth == DEEPEST {
            let message = format!("maps and lists nest more than {DEEPEST} deep");
            return Err(self.reading.refuse(message, ""));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn scalar<E: Error>(self, node: Node) -> Result<Node, E> {
        self.count().map(|()| node)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a plain value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.scalar(Node::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.scalar(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.scalar(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.scalar(Node::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.scalar(Node::Number(value.into()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        Err(self.reading.refuse(format!("the number {value} is too large"), ""))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        Err(self.reading.refuse(format!("the number {value} is too small"), ""))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.scalar(Node::Number(number)),
            None => Err(self
                .reading
                .refuse("this is no finite number", "put it in quotes if it is meant as text")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        if text.contains('\0') {
            return Err(self.reading.refuse("the text holds a NUL character", ""));
        }
        self.reading.text.set(self.reading.text.get() + text.len());
        if self.reading.text.get() > MOST_TEXT {
            return Err(self.reading.refuse("the aliases stand for more than 1 MiB of text", ""));
        }
        self.scalar(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let deeper = self.deeper()?;
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(deeper)? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let deeper = self.deeper()?;
        let mut nodes = IndexMap::new();
        while let Some(key) = map.next_key_seed(Key { reading: self.reading, before: &nodes })? {
            nodes.insert(key, map.next_value_seed(deeper)?);
        }
        Ok(Node::Map(nodes))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(self.reading.refuse("tags are not part of the format", "leave the `!…` out"))
    }
}
