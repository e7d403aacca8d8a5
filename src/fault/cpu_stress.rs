//! `cpu-stress`: workers beside the target, in its control group.

use super::Terms;
use crate::act::{Act, SiteRef, Stress};
use crate::spec::CpuStress;

pub(super) const NAME: &str = "cpu-stress";

pub(super) fn lower(stress: &CpuStress, site: &SiteRef, terms: &Terms) -> Vec<Act> {
    vec![Act::Stress(Stress {
        site: site.clone(),
        cores: stress.cores,
        load: stress.load,
        duration: terms.duration.unwrap_or_default(),
    })]
}

pub(super) fn undo_in_words(stress: &Stress) -> String {
    format!("workers killed; they end by themselves with the agent, or after {}", stress.duration)
}
