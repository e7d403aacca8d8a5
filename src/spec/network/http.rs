//! `http-fault` as written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{Duration, Pattern, Percent, PortRange, Size};
use super::{Direction, Existing, Peers};

/// HTTP requests that go wrong, in HTTP/1 and in HTTP/2 without TLS. What is no HTTP on these ports
/// passes untouched. At least one of `delay`, `abort`, `answer`, `request`, `response`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpFault {
    /// The TCP ports that are connected to: the target's for `from`, its peers' for `to`.
    pub ports: Vec<PortRange>,
    /// Which requests; all by default.
    #[serde(default, rename = "match")]
    pub matching: HttpMatch,
    /// The share of the requests that match.
    #[serde(default = "HttpFault::all")]
    pub percent: Percent,
    /// How long a request waits before anything else happens to it.
    #[serde(default)]
    pub delay: Duration,
    /// How far the delay varies, up and down.
    #[serde(default)]
    pub jitter: Duration,
    /// The connection ends without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<HttpAbort>,
    /// An answer in the server's place, which never sees the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<HttpAnswer>,
    /// What is changed in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestChange>,
    /// What is changed in the server's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseChange>,
    /// Connections that come in to the target, those it opens, or both: what comes in by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only connections with these peers; everybody by default.
    #[serde(default)]
    pub peers: Peers,
    /// Connections left alone although they match: those that one of these entries describes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Peers>,
    /// Only over these interfaces; by default over every one but `lo`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub interfaces: Vec<String>,
    /// What becomes of connections that were open before.
    #[serde(default)]
    pub existing: Existing,
}

impl HttpFault {
    const fn all() -> Percent {
        Percent::HUNDRED
    }
}

/// Which requests: all that is given must match, in a list one is enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpMatch {
    /// Methods, such as `GET`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Paths without the query, in which `*` stands for anything and `?` for one character.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The path with its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_pattern: Option<Pattern>,
    /// Headers that must be there, each with what its value matches.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, Pattern>,
}

/// How a connection ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpAbort {
    /// It is reset; in HTTP/2 the stream is.
    Reset,
    /// It is closed.
    Close,
}

/// An answer that no server gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpAnswer {
    /// Its status, from 200 to 599.
    pub status: u16,
    /// Its headers.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// Its body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// What is changed in headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HeaderChange {
    /// Headers that get this value in place of any they have.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, String>,
    /// Headers that are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// What is changed in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestChange {
    /// Its headers.
    #[serde(default)]
    pub headers: HeaderChange,
    /// Another body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What is changed in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResponseChange {
    /// Another status, from 200 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its headers.
    #[serde(default)]
    pub headers: HeaderChange,
    /// Another body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Only this much of the body is sent, whatever the headers promise, and the connection closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<Size>,
    /// How many bits of the body are flipped, at random places: a node that lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<u16>,
}

impl HeaderChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}
