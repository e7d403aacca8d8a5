//! `process-pause`: all threads stand still.

use crate::act::{Act, Pause, SiteRef};
use crate::spec::{PauseMethod, ProcessPause};

pub(super) const NAME: &str = "process-pause";

pub(super) fn lower(pause: &ProcessPause, site: &SiteRef) -> Vec<Act> {
    vec![Act::Pause(Pause { site: site.clone(), method: pause.method })]
}

pub(super) fn undo_in_words(pause: &Pause) -> String {
    match pause.method {
        PauseMethod::Auto => "let go of the trace, or thawed where tracing is not permitted",
        PauseMethod::Ptrace => "let go of the trace; the kernel does so when the agent ends",
        PauseMethod::Freezer => "thawed, moved back to its control group, ours removed",
    }
    .to_owned()
}
