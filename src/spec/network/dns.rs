//! `dns-failure` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{Duration, IpNetwork, NamePattern, Percent};
use super::RecordType;

/// Which questions of the target are answered falsely, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DnsFailure {
    /// What becomes of a question.
    #[serde(default)]
    pub mode: DnsMode,
    /// Names asked for; all by default. In a pattern `*` stands for any characters, dots as well, and `?` for one.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub names: Vec<NamePattern>,
    /// Types of records asked for; all by default, and `A` and `AAAA` with `mode: wrong`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub types: Vec<RecordType>,
    /// How many of these questions; a client that asks again has another chance.
    #[serde(default = "DnsFailure::default_percent")]
    pub percent: Percent,
    /// How long a question waits, with `mode: delay`; at most 20s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// The wrong answer, with `mode: wrong`; by default one of the networks that are for documentation only, the same for the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpNetwork>,
}

impl DnsFailure {
    /// The longest delay: the kernel forgets whom an answer is for after 30 s
    /// (`nf_conntrack_udp_timeout`), and clients give up sooner.
    pub const LONGEST_DELAY: Duration = Duration::from_secs(20);

    const fn default_percent() -> Percent {
        Percent::HUNDRED
    }
}

impl Default for DnsFailure {
    fn default() -> Self {
        Self {
            mode: DnsMode::default(),
            names: Vec::new(),
            types: Vec::new(),
            percent: Self::default_percent(),
            delay: None,
            addresses: Vec::new(),
        }
    }
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DnsMode {
    /// There is no such name.
    #[default]
    Nxdomain,
    /// The name server has failed.
    Servfail,
    /// The name server refuses to answer.
    Refused,
    /// No answer ever comes.
    Timeout,
    /// The true answer comes late.
    Delay,
    /// Wrong addresses, not to be remembered by anybody (their time to live is 0).
    Wrong,
}
