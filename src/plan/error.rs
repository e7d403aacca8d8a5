//! Why there is no plan.

use std::path::PathBuf;

use thiserror::Error;

use crate::error::Error as CommandError;
use crate::fault::LowerError;
use crate::outcome::Outcome;
use crate::spec::quantity::{Duration, Percent};
use crate::spec::{Name, NoAddress};

/// A refusal and the place in the file that it is about.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{path}: {refusal}")]
pub struct PlanError {
    /// Such as `method[1].parallel[0].for`.
    pub path: String,
    /// Why.
    pub refusal: Refusal,
}

/// Why a method is not carried out.
#[derive(Clone, Debug, PartialEq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Refusal {
    /// The file is for another environment.
    #[error("this experiment is for `{wanted}`, and {}; give `--environment {wanted}` if this is the one",
        .given.as_ref().map_or_else(|| "no environment was given".to_owned(), |given| format!("this environment is `{given}`")))]
    Environment { wanted: String, given: Option<String> },
    /// The limit itself is too high.
    #[error("{figure} is above {ceiling}, the longest without `allow: [long-duration]`")]
    LimitTooHigh { figure: Duration, ceiling: Duration },
    /// A fault lasts too long.
    #[error("the fault would last {figure}; blast-radius.max-duration is {limit}")]
    TooLong { figure: Duration, limit: Duration },
    /// Too many targets.
    #[error("{figure} targets chosen; blast-radius.max-targets is {limit}")]
    TooManyTargets { figure: usize, limit: u32 },
    /// Too large a share of what matches.
    #[error(
        "{chosen} of {matched} that match ({figure:.0}%) chosen; blast-radius.max-share is {limit}"
    )]
    TooLargeShare { chosen: usize, matched: usize, figure: f64, limit: Percent },
    /// Fewer match than are asked for.
    #[error("{wanted} asked for, and only {matched} match")]
    TooFew { wanted: u32, matched: usize },
    /// Nothing to choose from.
    #[error("the selector matches nothing on this host")]
    NothingMatches,
    /// No target, or two.
    #[error("give exactly one of `service`, `process`, `host`")]
    NoTarget,
    /// `except` beside services.
    #[error(
        "`except` leaves out processes, and this target is a service; name the services instead"
    )]
    ExceptOfServices,
    /// A service that the file does not have.
    #[error("`{name}` is no service of this experiment")]
    UnknownService { name: Name },
    /// Class X on a stranger.
    #[error(
        "`{fault}` cannot be undone, and {target} is no service of this experiment; write `allow: [irreversible]` in blast-radius if it recovers by itself"
    )]
    Irreversible { fault: &'static str, target: String },
    /// The host's own network.
    #[error(
        "`{fault}` on this host's network hits every process that shares it; write `allow: [host]` in blast-radius if that is meant"
    )]
    HostNetwork { fault: &'static str },
    /// The host's network, for a fault that meets everybody in it.
    #[error("{target} shares the host's network, where `{fault}` would meet every other process too; it needs a target with a network of its own{}",
        if *.service { ": give the service `network: own`" } else { "" })]
    SharedNetwork { fault: &'static str, target: String, service: bool },
    /// A network namespace that we may not look at.
    #[error(
        "cannot see which network {target} is in, so `{fault}` might hit the host's; run as root, and see that the process still runs"
    )]
    UnknownNetwork { fault: &'static str, target: String },
    /// Too much that must stay reachable.
    #[error(
        "{figure} peers of the control path would have to be left alone, and {limit} is the most; name `peers` that leave them out"
    )]
    TooManyLifelines { figure: usize, limit: usize },
    /// A service that cannot have its address.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// A path that depends on who looks.
    #[error("`{}` is not absolute; write the path from `/`", .path.display())]
    RelativePath { path: PathBuf },
    /// Nothing to fill.
    #[error("`{}` is on {kind}, a view of the kernel without storage; name a directory on a disk", .path.display())]
    Virtual { path: PathBuf, kind: String },
    /// A dangerous file system.
    #[error("`{}` is on {what}, and filling that is refused unless blast-radius has `allow: [{allowance}]`", .path.display())]
    FileSystem { path: PathBuf, what: &'static str, allowance: &'static str },
    /// The fault does not fit.
    #[error(transparent)]
    Fault(#[from] LowerError),
}

impl Refusal {
    /// With its place.
    pub(super) fn at(self, path: impl Into<String>) -> PlanError {
        PlanError { path: path.into(), refusal: self }
    }

    /// A mistake in the file is a usage error; a limit that was kept is a run that did not inject.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::NoTarget
            | Self::ExceptOfServices
            | Self::UnknownService { .. }
            | Self::RelativePath { .. }
            | Self::NoAddress(_)
            | Self::Fault(_) => Outcome::Usage,
            Self::Environment { .. }
            | Self::LimitTooHigh { .. }
            | Self::TooLong { .. }
            | Self::TooManyTargets { .. }
            | Self::TooLargeShare { .. }
            | Self::TooFew { .. }
            | Self::NothingMatches
            | Self::Irreversible { .. }
            | Self::HostNetwork { .. }
            | Self::SharedNetwork { .. }
            | Self::UnknownNetwork { .. }
            | Self::TooManyLifelines { .. }
            | Self::Virtual { .. }
            | Self::FileSystem { .. } => Outcome::NotInjected,
        }
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        Self::new(error.refusal.outcome(), error)
    }
}
