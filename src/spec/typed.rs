//! From the tree to the types: a deserializer whose errors know their path.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::complaint::Complaint;
use super::node::Node;
use super::path::Segment;

/// Numbers and booleans that a variable gave are made of its text, as its place asks.
macro_rules! given_becomes {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            match self {
                Node::Given(text) => match Node::from_scalar(text) {
                    Node::Text(_) => visitor.visit_str(text),
                    node => node.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Node::Text(text) | Node::Given(text) => visitor.visit_str(text),
            Node::List(nodes) => all_of(nodes, visitor),
            Node::Map(nodes) => visitor.visit_map(Entries { rest: nodes.iter(), current: None }),
        }
    }

    /// Nothing is not "left out": `delay:` without a value is a mistake.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        match self {
            Node::Text(name) | Node::Given(name) => {
                visitor.visit_enum(Variant { name, content: None })
            }
            Node::Map(map) => match map.iter().next() {
                Some((name, content)) if map.len() == 1 => {
                    visitor.visit_enum(Variant { name, content: Some(content) })
                }
                _ => Err(Complaint::new(format!(
                    "expected exactly one key here, found {}",
                    map.len()
                ))),
            },
            _ => Err(Complaint::invalid_type(self.unexpected(), &"a name, or a map with one key")),
        }
    }

    /// Fields have names: a list does not stand for them by its order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        match self {
            Node::Map(_) => self.deserialize_any(visitor),
            _ => Err(Complaint::invalid_type(self.unexpected(), &"a map of fields")),
        }
    }

    given_becomes! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32
        deserialize_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

impl Node {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            Self::Text(text) | Self::Given(text) => Unexpected::Str(text),
            Self::List(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }
}

/// A list, of which no item may be left over: a link of three ends is none of its first two.
fn all_of<'de, V: Visitor<'de>>(nodes: &[Node], visitor: V) -> Result<V::Value, Complaint> {
    let mut items = Items { nodes, next: 0 };
    let value = visitor.visit_seq(&mut items)?;
    match items.next {
        taken if taken < nodes.len() => {
            Err(Complaint::new(format!("expected {taken} items here, found {}", nodes.len())))
        }
        _ => Ok(value),
    }
}

struct Items<'a> {
    nodes: &'a [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Complaint;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Complaint> {
        let index = self.next;
        let Some(node) = self.nodes.get(index) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(node).map(Some).map_err(|error| error.inside(Segment::Item(index)))
    }
}

struct Entries<'a> {
    rest: indexmap::map::Iter<'a, String, Node>,
    current: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        self.current = self.rest.next().map(|(key, node)| (key.as_str(), node));
        let Some((key, _)) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Complaint> = key.into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.about_key(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Complaint> {
        let (key, node) = self.current.take().unwrap_or(("", &Node::Null));
        seed.deserialize(node).map_err(|error| error.inside(Segment::Key(key.to_owned())))
    }
}

/// A choice: a bare name, or a map of the name and what belongs to it.
struct Variant<'a> {
    name: &'a str,
    content: Option<&'a Node>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Complaint;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Complaint> {
        let name: StrDeserializer<'_, Complaint> = self.name.into_deserializer();
        let value = seed.deserialize(name).map_err(|error| match self.content {
            Some(_) => error.about_key(self.name),
            None => error,
        })?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Complaint;

    fn unit_variant(self) -> Result<(), Complaint> {
        match self.content {
            None => Ok(()),
            Some(_) => {
                Err(Complaint::new(format!("`{}` takes no value; write its name alone", self.name)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Complaint> {
        // `fault: process-pause` means `fault: { process-pause: {} }`.
        let bare = Node::Map(indexmap::IndexMap::new());
        let inside = |error: Complaint| error.inside(Segment::Key(self.name.to_owned()));
        seed.deserialize(self.content.unwrap_or(&bare)).map_err(inside)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Complaint> {
        Err(Complaint::new("the format has no such choice"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Complaint> {
        Err(Complaint::new("the format has no such choice"))
    }
}
