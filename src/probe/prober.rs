//! A probe, ready to look at its target.

use std::time::Duration;

use super::command::CommandCheck;
use super::http::HttpCheck;
use super::process::ProcessCheck;
use super::tcp::TcpCheck;
use super::{Reading, Surroundings, failure};
use crate::spec::quantity::Rate;
use crate::spec::{HypothesisProbe, ProbeKind};

/// A probe, ready to look at its target.
#[derive(Debug)]
pub struct Prober {
    name: String,
    rate: Rate,
    timeout: Duration,
    surroundings: Surroundings,
    /// Why it can never measure, if it cannot.
    check: Result<Check, String>,
}

#[derive(Debug)]
enum Check {
    Http(Box<HttpCheck>),
    Tcp(TcpCheck),
    Command(CommandCheck),
    Process(ProcessCheck),
}

impl Prober {
    /// Prepares a probe; nothing is sent. What is wrong with it, such as a URL that is none once
    /// its secrets are filled in, makes every sample a probe error.
    #[must_use]
    pub fn new(name: &str, kind: &ProbeKind, surroundings: &Surroundings) -> Self {
        let check = match kind {
            ProbeKind::Http(probe) => {
                HttpCheck::new(probe, surroundings).map(|check| Check::Http(Box::new(check)))
            }
            ProbeKind::Tcp(probe) => {
                TcpCheck::new((surroundings.reveal)(&probe.address)).map(Check::Tcp)
            }
            ProbeKind::Command(probe) => CommandCheck::new(probe, surroundings).map(Check::Command),
            ProbeKind::Process(probe) => ProcessCheck::new(probe, surroundings).map(Check::Process),
        };
        Self {
            name: name.to_owned(),
            rate: kind.rate(),
            timeout: kind.timeout().get(),
            surroundings: surroundings.clone(),
            check,
        }
    }

    /// Prepares every probe of a hypothesis. One without exactly one kind, which `spec::parse`
    /// refuses, makes only probe errors.
    #[must_use]
    pub fn all(probes: &[HypothesisProbe], surroundings: &Surroundings) -> Vec<Self> {
        let prepare = |probe: &HypothesisProbe| match probe.kind() {
            Some(kind) => Self::new(&probe.name, &kind, surroundings),
            None => Self::unfit(&probe.name, surroundings),
        };
        probes.iter().map(prepare).collect()
    }

    fn unfit(name: &str, surroundings: &Surroundings) -> Self {
        Self {
            name: name.to_owned(),
            rate: Rate::default(),
            timeout: Duration::from_secs(1),
            surroundings: surroundings.clone(),
            check: Err("the probe needs exactly one of http, tcp, command, process".to_owned()),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it is to be sampled.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// How long one look takes at most.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Looks once, for as long as the time-out at most. Any number of looks may overlap; one that
    /// is dropped leaves nothing behind.
    pub async fn measure(&self) -> Reading {
        self.measure_within(self.timeout).await
    }

    /// The same with a time-out of its own.
    pub(super) async fn measure_within(&self, timeout: Duration) -> Reading {
        let reading = match &self.check {
            Ok(check) => tokio::time::timeout(timeout, check.measure())
                .await
                .unwrap_or_else(|_| failure::timed_out(timeout)),
            Err(why) => Reading::probe_error(why.as_str()),
        };
        let detail = reading.detail.map(|detail| (self.surroundings.redact)(&detail));
        Reading { detail, ..reading }
    }
}

impl Check {
    async fn measure(&self) -> Reading {
        match self {
            Self::Http(check) => check.measure().await,
            Self::Tcp(check) => check.measure().await,
            Self::Command(check) => check.measure().await,
            Self::Process(check) => check.measure(),
        }
    }
}
