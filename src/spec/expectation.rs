//! What a probe takes for a good answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Pattern;

/// The statuses of a good answer, as `200`, `2xx`, `200-399` or a list of these.
/// (The visitor that accepts one or many stands in `quantity`.)
pub type StatusExpectation = super::quantity::Statuses;

/// The exit codes of a good end: a number or a list; 0 by default.
pub type ExitExpectation = super::quantity::ExitCodes;

/// What a text must look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BodyExpectation {
    /// Equal to this.
    Equals(String),
    /// Holds this somewhere.
    Contains(String),
    /// Matches this regular expression somewhere.
    Matches(Pattern),
}

/// What a JSON document must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JsonExpectation {
    /// A `JSONPath` (RFC 9535) that must find exactly one value.
    pub path: String,
    /// The value it must equal. Without it the value must be there; a number becomes the sample's `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<serde_json::Value>,
}
