//! What becomes of each question, and the count of it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::message::Question;
use crate::act::{DnsAnswer, DnsQuestions, FailDns};

/// What has been asked so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions of every kind.
    pub seen: u64,
    /// Questions that the fault was done to.
    pub failed: u64,
    /// Questions that were given up because too many waited already.
    pub lost: u64,
    /// Name and type of the last one that the fault was done to.
    pub last: Option<String>,
}

/// What becomes of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It goes where it was sent.
    Pass,
    /// So it does, later.
    PassAfter(Duration),
    /// It is answered here.
    Answer(Vec<u8>),
    /// It is not answered.
    Ignore,
}

/// The fault, and what it has done.
#[derive(Debug)]
pub(super) struct Judge {
    questions: DnsQuestions,
    answer: DnsAnswer,
    /// From 0 to 1.
    chance: f64,
    /// Set when the fault is over.
    over: AtomicBool,
    counts: Mutex<Counts>,
}

impl Judge {
    pub(super) fn new(fault: &FailDns) -> Self {
        Self {
            questions: fault.questions.clone(),
            answer: fault.answer.clone(),
            chance: fault.percent.fraction(),
            over: AtomicBool::new(false),
            counts: Mutex::default(),
        }
    }

    /// Judges a message and counts it.
    pub(super) fn judge(&self, message: &[u8]) -> Judgement {
        let question = Question::read(message).filter(|question| self.concerns(question));
        let judged = question.as_ref().and_then(|question| self.sentence(question));
        self.count(|counts| {
            counts.seen += 1;
            if judged.is_some() {
                counts.failed += 1;
                counts.last = question.as_ref().map(Question::shown);
            }
        });
        judged.unwrap_or(Judgement::Pass)
    }

    fn concerns(&self, question: &Question) -> bool {
        !self.over.load(Ordering::Relaxed)
            && self.questions.contain(&question.name(), question.kind())
            && rand::random::<f64>() < self.chance
    }

    /// `None` if no answer can be written, which no question that was read has shown yet.
    fn sentence(&self, question: &Question) -> Option<Judgement> {
        let refused = |code| question.refused(code).map(Judgement::Answer);
        let misled = |addresses: &[IpAddr]| question.misled(addresses).map(Judgement::Answer);
        match &self.answer {
            DnsAnswer::Nxdomain => refused(ResponseCode::NXDomain),
            DnsAnswer::Servfail => refused(ResponseCode::ServFail),
            DnsAnswer::Refused => refused(ResponseCode::Refused),
            DnsAnswer::Timeout => Some(Judgement::Ignore),
            DnsAnswer::Delay(delay) => Some(Judgement::PassAfter(delay.get())),
            DnsAnswer::Wrong(addresses) => misled(addresses),
        }
    }

    /// From now on everything passes.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// A question that was given up.
    pub(super) fn lose(&self) {
        self.count(|counts| counts.lost += 1);
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
