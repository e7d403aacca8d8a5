//! What there is to tell of acts. Of a fault that is put again and again the first time is told, then
//! what is new, and in the end how often.

use super::{Telling, nested};
use crate::act::{Effect, Reverted, SiteRef, Strength};
use crate::event::What;
use crate::report::summary::{ActSummary, Summary};
use crate::report::{Mark, figure};

pub(super) fn tell(what: &What, so_far: &Summary) -> Option<Telling> {
    match what {
        What::Injected { step, fault, site, class, effect, .. } => {
            let mut before = before(so_far, *step, fault, site);
            let known = match effect.strength {
                Strength::Absent => false,
                Strength::Pending => before.next().is_some(),
                Strength::Proved => before.any(is_proved),
            };
            if known {
                return None;
            }
            injected(step.is_some(), &format!("{fault} on {site} ({class})"), effect)
        }
        What::Verified { act, effect } => verified(so_far.act(*act)?, effect, so_far),
        What::InjectionFailed { step, fault, site, reason } => {
            let what = match (step, site) {
                (Some(_), _) => format!("could not inject {fault} on {site}"),
                (None, SiteRef::Service { .. }) => format!("could not start the {site}"),
                (None, _) => format!("could not set up the {fault}"),
            };
            Some(nested(Mark::Bad, what).because(reason))
        }
        What::Undone { act, reverted } => {
            let Some(known) = so_far.act(*act) else {
                return undone(&format!("act {act}"), false, reverted);
            };
            let quiet = earlier(so_far, known).next().is_some() && reverted.is_clean();
            let what = format!("{} on {}", known.fault, known.site);
            undone(&what, known.step.is_some() && !quiet, reverted)
        }
        What::StepEnded { step } => ended(*step, so_far),
        _ => None,
    }
}

/// The acts so far that did the same at the same place in the same step.
fn before<'a>(
    so_far: &'a Summary,
    step: Option<usize>,
    fault: &'a str,
    site: &'a SiteRef,
) -> impl Iterator<Item = &'a ActSummary> {
    let same = move |act: &&ActSummary| {
        step.is_some() && act.step == step && act.fault == fault && act.site == *site
    };
    so_far.acts.iter().filter(same)
}

/// The same, before one that is known.
fn earlier<'a>(so_far: &'a Summary, known: &'a ActSummary) -> impl Iterator<Item = &'a ActSummary> {
    let all = before(so_far, known.step, &known.fault, &known.site);
    all.filter(|act| act.act < known.act)
}

fn is_proved(act: &ActSummary) -> bool {
    act.effect.strength == Strength::Proved
}

fn injected(in_step: bool, what: &str, effect: &Effect) -> Option<Telling> {
    let telling = match effect.strength {
        Strength::Absent => nested(Mark::Bad, format!("{what} has no effect")),
        // Services and networks have lines of their own when something is wrong with them.
        _ if !in_step => return None,
        Strength::Proved => nested(Mark::Good, format!("injected {what}")),
        Strength::Pending => nested(Mark::Note, format!("set up {what}, not seen yet")),
    };
    Some(telling.because(&effect.evidence))
}

fn verified(known: &ActSummary, effect: &Effect, so_far: &Summary) -> Option<Telling> {
    let what = format!("{} on {}", known.fault, known.site);
    let telling = match (known.effect.strength, effect.strength) {
        (Strength::Proved, Strength::Absent) => {
            nested(Mark::Bad, format!("{what} is no longer in effect"))
        }
        (Strength::Pending, Strength::Absent) => nested(Mark::Bad, format!("{what} had no effect")),
        (Strength::Pending, Strength::Proved) if earlier(so_far, known).any(is_proved) => {
            return None;
        }
        (Strength::Pending | Strength::Absent, Strength::Proved) => {
            nested(Mark::Good, format!("{what} is in effect"))
        }
        _ => return None,
    };
    Some(telling.because(&effect.evidence))
}

fn undone(what: &str, is_news: bool, reverted: &Reverted) -> Option<Telling> {
    match reverted {
        Reverted::Failed { reason, manual } => Some(
            nested(Mark::Bad, format!("could not undo {what}"))
                .because(format!("{reason}; by hand: {manual}")),
        ),
        Reverted::NotOurs { found } => Some(
            nested(Mark::Warning, format!("left alone: {what} is not ours any more"))
                .because(found),
        ),
        _ if !is_news => None,
        Reverted::Restored => Some(nested(Mark::Good, format!("undone {what}"))),
        Reverted::AlreadyGone => Some(nested(Mark::Note, format!("nothing to undo of {what}"))),
    }
}

/// How often, of a step that put something more than once.
fn ended(step: usize, so_far: &Summary) -> Option<Telling> {
    let faults = so_far.faults_of(step);
    let repeated: Vec<_> = faults.iter().filter(|fault| fault.is_repeated()).collect();
    let what = match repeated.as_slice() {
        [] => return None,
        [only] => only.what(),
        all => figure::count(all.len() as u64, "fault"),
    };
    let times: usize = repeated.iter().map(|fault| fault.times()).sum();
    let proved: usize = repeated.iter().map(|fault| fault.proved()).sum();
    let mark = if proved == 0 { Mark::Warning } else { Mark::Good };
    Some(nested(mark, format!("{what}: {times} times, {proved} of them proved")))
}
