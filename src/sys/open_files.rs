//! How many files this process may have open: a proxy needs two for each connection.

use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// The soft limit before it was raised, for the programs we start.
static BEFORE: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises the soft limit to the hard one; what is not permitted stays as it is.
pub fn raise() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = BEFORE.set((soft, hard));
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// The soft and the hard limit before [`raise`]; `None` if nothing was raised. Programs that count on
/// small descriptors, as by select(2), must be started with it.
#[must_use]
pub fn before() -> Option<libc::rlimit> {
    BEFORE.get().map(|&(soft, hard)| libc::rlimit { rlim_cur: soft, rlim_max: hard })
}
