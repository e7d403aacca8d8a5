//! Which nodes do not hear which others.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::Name;
use super::super::quantity::OneOrMany;

/// A partition among the targets of a step, which are its nodes. What is not named is chosen by
/// the seed. The shapes are those of Jepsen (`jepsen.nemesis`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// Two named groups lose sight of each other; whoever is in neither sees both.
    Pair([OneOrMany<Name>; 2]),
    /// One node against all others: the one named, or any.
    Isolate(NamedOrAny),
    /// One half against the other; of an odd number the first half is the smaller.
    Halves,
    /// Each node sees a majority, itself included, and no two see the same. Four nodes or more.
    MajoritiesRing,
    /// Two halves, and one node that sees both: the one named, or any.
    Bridge(NamedOrAny),
    /// Single links, each between two named nodes.
    Links(Vec<[Name; 2]>),
}

/// A node by its name; without one, any of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedOrAny(pub Option<Name>);

impl Between {
    /// The key it is written with.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Pair(_) => "pair",
            Self::Isolate(_) => "isolate",
            Self::Halves => "halves",
            Self::MajoritiesRing => "majorities-ring",
            Self::Bridge(_) => "bridge",
            Self::Links(_) => "links",
        }
    }

    /// The fewest nodes of which it can be made.
    #[must_use]
    pub const fn fewest(&self) -> usize {
        match self {
            Self::Pair(_) | Self::Isolate(_) | Self::Halves | Self::Links(_) => 2,
            Self::Bridge(_) => 3,
            // Of three, nobody can miss one and see as many as the others.
            Self::MajoritiesRing => 4,
        }
    }

    /// The nodes it names, in the order written; one may be named by several links.
    #[must_use]
    pub fn names(&self) -> Vec<&Name> {
        match self {
            Self::Pair(groups) => groups.iter().flat_map(OneOrMany::as_slice).collect(),
            Self::Isolate(NamedOrAny(node)) | Self::Bridge(NamedOrAny(node)) => {
                node.iter().collect()
            }
            Self::Halves | Self::MajoritiesRing => Vec::new(),
            Self::Links(links) => links.iter().flatten().collect(),
        }
    }
}

impl Serialize for NamedOrAny {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_map(std::iter::empty::<((), ())>()),
        }
    }
}

impl<'de> Deserialize<'de> for NamedOrAny {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = NamedOrAny;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a node")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NamedOrAny, E> {
        Ok(NamedOrAny(Some(text.to_owned())))
    }

    /// What stands for the bare word is a map without anything in it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedOrAny, A::Error> {
        match map.next_key::<String>()? {
            None => Ok(NamedOrAny(None)),
            Some(_) => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

impl JsonSchema for NamedOrAny {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NamedOrAny".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Name::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shape_is_read_as_it_is_printed() {
        for value in [
            json!({"pair": [["a"], ["b", "c"]]}),
            json!({"isolate": "a"}),
            json!({"isolate": {}}),
            json!("halves"),
            json!("majorities-ring"),
            json!({"bridge": "c"}),
            json!({"links": [["a", "c"], ["b", "d"]]}),
        ] {
            let shape: Between = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&shape).unwrap(), value);
            let key =
                value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str));
            assert_eq!(Some(shape.key()), key);
        }
    }
}
