//! `connection-reset` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::Duration;
use super::Peers;

/// Which TCP connections are cut, and what becomes of those that follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConnectionReset {
    /// What becomes of connections that are opened from then on.
    #[serde(default)]
    pub new: NewConnections,
    /// Cuts again this often as long as the step lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// Only connections with these peers; all by default.
    #[serde(default)]
    pub peers: Peers,
    /// Connections left alone although they match: those that one of these entries describes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Peers>,
    /// Where new connections are refused; by default on every interface but `lo`. What is open is cut on all.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub interfaces: Vec<String>,
}

/// What becomes of connections that are opened after others were cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NewConnections {
    /// They come about: the step is over at once.
    #[default]
    Allow,
    /// They are answered with a reset as long as the step lasts.
    Refuse,
}

impl ConnectionReset {
    /// Whether it goes on after the first cut.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        self.every.is_some() || matches!(self.new, NewConnections::Refuse)
    }
}
