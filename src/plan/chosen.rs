//! A target of a step, once it is chosen.

use std::fmt;

use crate::act::SiteRef;
use crate::spec::Name;
use crate::target::Process;

/// What a step is done to.
#[derive(Clone, Debug)]
pub(super) enum Chosen<'a> {
    /// A service of the experiment, which does not run yet.
    Service { name: &'a Name, own_network: bool },
    /// A process of this host.
    Process(&'a Process),
    /// This host.
    Host,
}

impl<'a> Chosen<'a> {
    /// The name of the service, if it is one.
    pub(super) const fn service(&self) -> Option<&'a Name> {
        match self {
            Self::Service { name, .. } => Some(name),
            Self::Process(_) | Self::Host => None,
        }
    }

    /// Where its acts happen.
    pub(super) fn site(&self) -> SiteRef {
        match self {
            Self::Service { name, .. } => SiteRef::Service { name: (*name).clone() },
            Self::Process(process) => SiteRef::Process(process.id),
            Self::Host => SiteRef::Host,
        }
    }
}

impl fmt::Display for Chosen<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { name, .. } => write!(formatter, "service {name}"),
            Self::Process(process) => process.fmt(formatter),
            Self::Host => formatter.write_str("this host"),
        }
    }
}
