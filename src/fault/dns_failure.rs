//! `dns-failure`: names that cannot be found, or not in time, or that lead astray.

use super::network;
use crate::act::{Act, DnsAnswer, DnsQuestions, FailDns, SiteRef};
use crate::spec::quantity::Percent;
use crate::spec::{DnsFailure, DnsMode, Engine, RecordType};

pub(super) const NAME: &str = "dns-failure";

pub(super) fn lower(failure: &DnsFailure, site: &SiteRef) -> Vec<Act> {
    let answer = match failure.mode {
        DnsMode::Nxdomain => DnsAnswer::Nxdomain,
        DnsMode::Servfail => DnsAnswer::Servfail,
        DnsMode::Refused => DnsAnswer::Refused,
        DnsMode::Timeout => DnsAnswer::Timeout,
        // `spec::check` demands the delay.
        DnsMode::Delay => DnsAnswer::Delay(failure.delay.unwrap_or_default()),
        DnsMode::Wrong => {
            DnsAnswer::Wrong(failure.addresses.iter().map(|network| network.address).collect())
        }
    };
    let types = match (failure.mode, failure.types.as_slice()) {
        (DnsMode::Wrong, []) => vec![RecordType::A, RecordType::Aaaa],
        (_, types) => types.to_vec(),
    };
    let questions = DnsQuestions { names: failure.names.clone(), types };
    let percent = failure.percent;
    vec![Act::FailDns(FailDns { site: site.clone(), questions, percent, answer })]
}

pub(super) fn undo_in_words() -> String {
    network::partition::undo_in_words(Engine::Nft)
}

/// Which questions, and what becomes of them.
pub(super) fn in_words(fault: &FailDns) -> String {
    let listed = |items: Vec<String>| items.join(" or ");
    let names = match fault.questions.names.as_slice() {
        [] => "any name".to_owned(),
        names => listed(names.iter().map(ToString::to_string).collect()),
    };
    let types = match fault.questions.types.as_slice() {
        [] => String::new(),
        types => {
            format!(", type {}", listed(types.iter().map(ToString::to_string).collect()))
        }
    };
    let share = match fault.percent {
        Percent::HUNDRED => String::new(),
        percent => format!("{percent} of "),
    };
    format!("{share}questions for {names}{types}: {}", fault.answer.done())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(failure: serde_json::Value) -> String {
        let failure: DnsFailure = serde_json::from_value(failure).unwrap();
        let acts = lower(&failure, &SiteRef::Host);
        let [Act::FailDns(fault)] = acts.as_slice() else { panic!("{acts:?}") };
        in_words(fault)
    }

    #[test]
    fn questions_are_told_in_one_line() {
        insta::assert_snapshot!(words(json!({})), @"questions for any name: answered NXDOMAIN");
        insta::assert_snapshot!(words(json!({"mode": "delay", "delay": "2s", "percent": "25%",
            "names": ["*.example.com", "db"], "types": ["MX"]})), @"25% of questions for *.example.com or db, type MX: held back for 2s");
        insta::assert_snapshot!(words(json!({"mode": "wrong", "names": ["db"]})), @"questions for db, type A or AAAA: answered with wrong addresses");
    }
}
