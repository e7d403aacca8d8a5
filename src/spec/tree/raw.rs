//! Numbers and booleans as they are written. YAML turns `0o17` into 15, `1e3` into 1000 and `True`
//! into `true`; here nothing becomes anything that its writer may not have meant.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Node, Reading};
use crate::spec::node;

/// Goes through the file a second time beside the tree, and compares.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    /// What takes the problem.
    pub(super) reading: &'a Reading,
    /// What the value was read as.
    pub(super) node: &'a Node,
}

impl<'de> DeserializeSeed<'de> for Raw<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.node {
            Node::Bool(_) | Node::Number(_) => deserializer.deserialize_str(self),
            Node::List(_) => deserializer.deserialize_seq(self),
            Node::Map(_) => deserializer.deserialize_map(self),
            Node::Null | Node::Text(_) | Node::Given(_) => {
                deserializer.deserialize_ignored_any(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for Raw<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the same value as before")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let (plain, kind) = match self.node {
            Node::Bool(_) => (matches!(text, "true" | "false"), "`true` or `false`"),
            Node::Number(_) => (node::number(text).is_some(), "a plain decimal number"),
            _ => return Ok(()),
        };
        if plain {
            return Ok(());
        }
        Err(self.reading.refuse(
            format!("`{text}` may not mean what it looks like"),
            &format!("write {kind}, or put it in quotes if it is text"),
        ))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Node::List(nodes) = self.node else { return Ok(()) };
        for node in nodes {
            list.next_element_seed(Self { node, ..self })?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let node = self.node.get(&key).unwrap_or(&Node::Null);
            map.next_value_seed(Self { node, ..self })?;
        }
        Ok(())
    }
}
