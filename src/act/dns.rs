//! What is done to questions for names.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::SiteRef;
use crate::spec::RecordType;
use crate::spec::quantity::{Duration, NamePattern, Percent};

/// Questions to answer falsely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailDns {
    /// Whose network namespace.
    pub site: SiteRef,
    /// Which questions.
    pub questions: DnsQuestions,
    /// How many of them.
    pub percent: Percent,
    /// What becomes of them.
    pub answer: DnsAnswer,
}

/// A description of questions: an empty list means any, and both must match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DnsQuestions {
    /// Names.
    pub names: Vec<NamePattern>,
    /// Types of records.
    pub types: Vec<RecordType>,
}

/// What becomes of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsAnswer {
    /// There is no such name.
    Nxdomain,
    /// The name server has failed.
    Servfail,
    /// The name server refuses.
    Refused,
    /// None.
    Timeout,
    /// The true one, so much later.
    Delay(Duration),
    /// These addresses; none for one that belongs to nobody, made from the name.
    Wrong(Vec<IpAddr>),
}

impl DnsQuestions {
    /// Whether a question for this name and type, the number on the wire, is one of them.
    #[must_use]
    pub fn contain(&self, name: &str, kind: u16) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|names| names.matches(name));
        named && (self.types.is_empty() || self.types.iter().any(|types| types.number() == kind))
    }
}

impl DnsAnswer {
    /// What was done to questions, in words.
    #[must_use]
    pub fn done(&self) -> String {
        match self {
            Self::Nxdomain => "answered NXDOMAIN".to_owned(),
            Self::Servfail => "answered SERVFAIL".to_owned(),
            Self::Refused => "answered REFUSED".to_owned(),
            Self::Timeout => "left without an answer".to_owned(),
            Self::Delay(delay) => format!("held back for {delay}"),
            Self::Wrong(_) => "answered with wrong addresses".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_by_its_name_and_its_type() {
        let questions = DnsQuestions {
            names: vec!["*.example.com".parse().unwrap(), "db".parse().unwrap()],
            types: vec![RecordType::Aaaa],
        };
        assert!(questions.contain("a.example.com.", 28) && questions.contain("DB", 28));
        assert!(!questions.contain("a.example.com.", 1));
        assert!(!questions.contain("example.com.", 28));
        assert!(DnsQuestions::default().contain("anything", 99));
    }
}
