//! What every step of a method may be aimed at.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Asked, Process, Surroundings, select};
use crate::error::Result;
use crate::spec::{Experiment, Fault, MethodStep};

/// The processes that each step's selector matches, and what is around them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Candidates {
    /// By the number of the step, counted from 0 through parallel groups; nothing for a step that
    /// is aimed at services.
    pub steps: Vec<Vec<Process>>,
    /// The facts behind the blast radius.
    pub surroundings: Surroundings,
}

/// Reads the candidates of every step of an experiment. `agents` are processes to protect beside
/// those that are always protected; `journal` is the folder of the journal. A step whose selector
/// matches nothing is an error.
pub fn gather(
    experiment: &Experiment,
    agents: &[i32],
    journal: Option<&Path>,
) -> Result<Candidates> {
    let mut steps = Vec::new();
    let mut asked = Asked { journal, ..Asked::default() };
    for step in experiment.method.iter().flat_map(MethodStep::steps) {
        let except = step.target.except.as_ref();
        let matched = match &step.target.process {
            Some(selector) => select(selector, except, agents)?.matched,
            None => Vec::new(),
        };
        asked.lifelines |= step.fault.is_network();
        match step.fault {
            Fault::DiskFill(_) => asked.mounts = true,
            Fault::ProcessKill(_) => {
                asked.neighbours |= matched.iter().any(Process::is_namespace_init);
            }
            Fault::ProcessPause(_) | Fault::ProcessRestart(_) => {}
            _ => asked.neighbours |= !matched.is_empty(),
        }
        steps.push(matched);
    }
    let all: Vec<&Process> = steps.iter().flatten().collect();
    let surroundings = Surroundings::read(&all, asked)?;
    Ok(Candidates { steps, surroundings })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn experiment(target: &Value, fault: &Value) -> Experiment {
        let file = json!({
            "version": 1,
            "title": "the shop survives",
            "hypothesis": {"title": "the shop sells", "probes": []},
            "method": [{"wait": "1s"}, {"target": target, "fault": fault, "for": "1s"}],
        });
        serde_json::from_value(file).unwrap()
    }

    #[test]
    fn only_what_the_method_needs_is_read() {
        let services = |fault: &Value| {
            gather(&experiment(&json!({"service": "web"}), fault), &[], None).unwrap()
        };
        let fill = services(&json!({"disk-fill": {"path": "/data", "size": "1MiB"}}));
        assert_eq!(fill.steps, [vec![]]);
        assert!(!fill.surroundings.mounts.is_empty());
        let pause = services(&json!({"process-pause": {}}));
        assert_eq!(pause.surroundings, Surroundings::default());
    }

    #[test]
    fn a_selector_that_matches_nothing_is_an_error() {
        let itself = json!({"process": {"pid": std::process::id()}});
        let error = gather(&experiment(&itself, &json!({"process-pause": {}})), &[], None);
        assert!(error.unwrap_err().to_string().contains("is this shakedown itself"));
    }
}
