//! Connections that were open before a proxy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of connections that were open before the fault: they do not go through the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Existing {
    /// They are reset, so that their owners connect again, through the proxy.
    #[default]
    Reset,
    /// They are left alone and counted; what is sent over them does not meet the fault.
    Keep,
}
