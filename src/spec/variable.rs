//! Variables and secrets.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value used as `${name}`. The first of these that is set wins: `--var name=value`, the
/// environment variable, the file, the default. With none of them the file is refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variable {
    /// The value when nothing else gives one: a string, number or boolean, kept as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// The environment variable that gives the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A file whose first line gives the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// A plain value of the file.
pub(super) type Scalar = serde_json::Value;

/// Where a secret comes from. Its value is read when it is used and is never written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Secret {
    /// The environment variable of this name.
    Env(String),
    /// The content of this file, without the last line break.
    File(PathBuf),
}
