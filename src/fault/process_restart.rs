//! `process-restart`: a service goes down and comes back.

use super::LowerError;
use crate::act::{Act, RestartService, SiteRef};
use crate::spec::ProcessRestart;

pub(super) const NAME: &str = "process-restart";

pub(super) fn lower(restart: &ProcessRestart, site: &SiteRef) -> Result<Vec<Act>, LowerError> {
    let SiteRef::Service { name } = site else {
        return Err(LowerError::NotAService { fault: NAME });
    };
    Ok(vec![Act::Restart(RestartService {
        service: name.clone(),
        signal: restart.signal,
        kill_after: restart.kill_after,
        down: restart.down,
    })])
}

pub(super) fn undo_in_words(restart: &RestartService) -> String {
    if restart.down.is_zero() {
        "started again at once".to_owned()
    } else {
        format!("started again after {}, or at the end of the run", restart.down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_can_be_started_again() {
        let error = lower(&ProcessRestart::default(), &SiteRef::Host).unwrap_err();
        insta::assert_snapshot!(error, @"`process-restart` starts its target again, which only works for a service of this experiment; use `target: { service: … }`");
    }
}
