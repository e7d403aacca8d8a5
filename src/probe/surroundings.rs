//! What probes ask the run for.

use std::fmt;
use std::rc::Rc;

use crate::act::ProcessId;
use crate::spec::ProcessSelector;

/// From the name of a service to its present process.
pub type ServiceProcess = dyn Fn(&str) -> Option<ProcessId>;
/// From a selector to the processes that match it at present.
pub type MatchingProcesses = dyn Fn(&ProcessSelector) -> Vec<ProcessId>;

/// What probes ask the run for. The defaults know nothing: no secrets, no services, no processes.
#[derive(Clone)]
pub struct Surroundings {
    /// Fills `${secret.name}` and `${run.dir}` in a text.
    pub reveal: Rc<dyn Fn(&str) -> String>,
    /// Takes the values of secrets out of a text.
    pub redact: Rc<dyn Fn(&str) -> String>,
    /// The process that a service has now.
    pub service: Rc<ServiceProcess>,
    /// The processes that match now; called once for every sample of a `select` probe, on the
    /// thread of the sampler, so it has to be quick.
    pub select: Rc<MatchingProcesses>,
}

impl Surroundings {
    /// The beginning of a text, short enough for a line of a report. Secrets are taken out before
    /// it is cut, so that no half of one is left.
    pub(super) fn excerpt(&self, text: &str) -> String {
        const LONGEST: usize = 80;
        const ENOUGH: usize = 4096;
        let text = (self.redact)(&text.chars().take(ENOUGH).collect::<String>());
        let mut short: String = text.chars().take(LONGEST).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            reveal: Rc::new(str::to_owned),
            redact: Rc::new(str::to_owned),
            service: Rc::new(|_| None),
            select: Rc::new(|_| Vec::new()),
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Surroundings").finish_non_exhaustive()
    }
}
