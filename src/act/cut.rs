//! Connections to cut.

use serde::{Deserialize, Serialize};

use super::{SiteRef, Traffic};

/// TCP connections to cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutConnections {
    /// Whose.
    pub site: SiteRef,
    /// Which; its interfaces only matter to connections that are refused.
    pub traffic: Traffic,
    /// Whether such connections are refused until the act is undone.
    pub refuse: bool,
}
