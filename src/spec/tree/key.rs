//! Keys: text, and each only once.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Node, Reading};

/// A key that was not there before.
pub(super) struct Key<'a> {
    /// What takes the problem.
    pub(super) reading: &'a Reading,
    /// The map so far.
    pub(super) before: &'a IndexMap<String, Node>,
}

impl Key<'_> {
    fn no_text<E: Error>(&self) -> E {
        self.reading.refuse("a key must be text", "put it in quotes")
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.before.contains_key(key) {
            let message = format!("the key `{key}` stands here twice");
            return Err(self.reading.refuse(message, "remove one of the two"));
        }
        Ok(key.to_owned())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.no_text())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.no_text())
    }
}
