//! `process-kill`: a signal, and SIGKILL after it if asked.

use crate::act::{Act, SendSignal, SiteRef};
use crate::spec::ProcessKill;

pub(super) const NAME: &str = "process-kill";

pub(super) fn lower(kill: &ProcessKill, site: &SiteRef) -> Vec<Act> {
    vec![Act::Signal(SendSignal {
        site: site.clone(),
        signal: kill.signal,
        kill_after: kill.kill_after,
    })]
}

pub(super) fn undo_in_words(signal: &SendSignal) -> String {
    match &signal.site {
        SiteRef::Service { .. } => {
            "none; the service comes back if its restart policy says so".to_owned()
        }
        SiteRef::Host | SiteRef::Process(_) => {
            "none; only what supervises the process can bring it back".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::quantity::{Duration, Signal};

    #[test]
    fn signal_and_grace_pass_through() {
        let site = SiteRef::Service { name: "web".to_owned() };
        let grace = Some(Duration::from_secs(2));
        let kill = ProcessKill { signal: Signal::TERM, kill_after: grace, every: None };
        let expected = SendSignal { site: site.clone(), signal: Signal::TERM, kill_after: grace };
        assert_eq!(lower(&kill, &site), [Act::Signal(expected)]);
    }
}
