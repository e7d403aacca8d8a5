//! The root of the file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Abort, BlastRadius, Hypothesis, MethodStep, Secret, Service, Variable};

/// What services, secrets, variables, probes and steps are called: a letter or digit, then
/// letters, digits, `.`, `_`, `-`; 64 bytes at most. (A plain string in the file, checked by `spec::parse`.)
pub type Name = String;

/// One experiment: what is steady, what is broken, how much of it, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Experiment {
    /// The version of the format; 1.
    pub version: u8,
    /// One line that says what is expected, as a sentence that can be true or false.
    pub title: String,
    /// Anything a reader of the report should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Words to find the experiment by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The environment this file is meant for; must equal the one given by `--environment` or in
    /// the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Values used as `${name}` in the rest of the file.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub variables: IndexMap<Name, Variable>,
    /// Values used as `${secret.name}`, by reference only: never in the journal, a log, a report
    /// or an argument list.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub secrets: IndexMap<Name, Secret>,
    /// Programs this experiment starts, in this order, before anything is measured, and stops at the end.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub services: IndexMap<Name, Service>,
    /// The steady state: what must hold before, during and after.
    pub hypothesis: Hypothesis,
    /// Conditions that end the run at once; everything is rolled back and the exit code is 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort: Vec<Abort>,
    /// How much may be touched.
    #[serde(default)]
    pub blast_radius: BlastRadius,
    /// What is done, in this order.
    pub method: Vec<MethodStep>,
}
