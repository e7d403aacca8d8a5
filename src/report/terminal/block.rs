//! The live block: a pure function of what is known and of the room there is.

use super::history::History;
use super::style::Style;
use super::text::{BOLD, CYAN, DIM, GREEN, PLAIN, RED, Text, YELLOW};
use crate::act::{Class, Strength};
use crate::report::Summary;
use crate::report::figure;
use crate::report::summary::{ActSummary, Running};
use crate::sample::{Elapsed, Phase};
use crate::spec::quantity::Duration;

/// Everything the block shows.
pub(super) struct View<'a> {
    /// The run so far.
    pub(super) summary: &'a Summary,
    /// The probes' last samples, in the order of the probes.
    pub(super) histories: &'a [(String, History)],
    /// This moment.
    pub(super) now: Elapsed,
    /// What the terminal can show.
    pub(super) style: Style,
}

/// The lines of the block; each fits the terminal, and so do all of them.
pub(super) fn block(view: &View<'_>) -> Vec<Text> {
    let room = view.style.size.rows.saturating_sub(3).max(1);
    let mut lines = vec![Text::default(), headline(view)];
    let below = services(view).into_iter().chain(faults(view)).collect::<Vec<_>>();
    let shown = room.saturating_sub(lines.len() + below.len()).clamp(1, 8);
    let hidden = view.histories.len().saturating_sub(shown);
    let shown = if hidden > 0 { shown.saturating_sub(1).max(1) } else { shown };
    lines.extend(
        view.histories.iter().take(shown).map(|(name, history)| probe(view, name, history)),
    );
    let hidden = view.histories.len().saturating_sub(shown);
    if hidden > 0 {
        lines.push(Text::new(
            DIM,
            &format!("  … and {}", figure::count(hidden as u64, "more probe")),
        ));
    }
    lines.extend(below);
    lines.truncate(room);
    lines.into_iter().map(|line| line.cut(width(view))).collect()
}

/// A line as wide as the terminal could wrap, and one much wider is hard to read along.
fn width(view: &View<'_>) -> usize {
    (view.style.size.columns - 1).min(100)
}

fn headline(view: &View<'_>) -> Text {
    let columns = width(view);
    let (what, began, planned) = current(view);
    let gone = view.now.since(began);
    let clock = match planned.map(Duration::get) {
        Some(planned) if gone < planned => {
            format!("{} s left", planned.saturating_sub(gone).as_secs_f64().ceil())
        }
        Some(_) => "ending".to_owned(),
        None => format!("{} s", gone.as_secs()),
    };
    let room = columns.saturating_sub(clock.len() + 2);
    what.cut(room).pad_to(columns.saturating_sub(clock.len())).add(DIM, &clock)
}

/// What goes on, since when, and for how long it is planned.
fn current(view: &View<'_>) -> (Text, Elapsed, Option<Duration>) {
    let summary = view.summary;
    let Some(phase) = summary.phases.last() else {
        return (Text::new(BOLD, "starting"), Elapsed::default(), None);
    };
    if summary.end.is_some() || phase.ended.is_some() {
        return (Text::new(BOLD, "ending"), phase.ended.unwrap_or_default(), None);
    }
    if let Some(interruption) = summary.interruptions.first() {
        return (Text::new(BOLD, "rolling back"), interruption.at, None);
    }
    let word = match phase.phase {
        Phase::Before => "steady state before",
        Phase::During => "method",
        Phase::Recovery => "recovery",
        Phase::After => "steady state after",
    };
    let steps: Vec<_> = summary.steps.iter().filter(|step| step.ended.is_none()).collect();
    match steps.as_slice() {
        [] => (Text::new(BOLD, word), phase.began, phase.planned),
        [first, ..] => {
            let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
            let text = Text::new(CYAN, "▶ ").add(BOLD, &names.join(" + "));
            (text, first.began, first.planned)
        }
    }
}

fn probe(view: &View<'_>, name: &str, history: &History) -> Text {
    let columns = width(view);
    let wide = columns >= 60;
    let longest = view.histories.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let label = longest.clamp(8, if wide { 20 } else { 10 });
    let success = history.success(view.now);
    let style = match success {
        None => DIM,
        Some(share) if share >= 100.0 => GREEN,
        Some(share) if share > 50.0 => YELLOW,
        Some(_) => RED,
    };
    let share = success.map_or_else(|| "–".to_owned(), figure::percent);
    let p99 = history.p99(view.now).map_or_else(|| "–".to_owned(), figure::time);
    let mut figures = Text::new(style, &format!("{share:>7}"));
    if wide {
        figures = figures.add(DIM, "  p99 ");
    }
    figures = figures.add(PLAIN, &format!("{p99:>8}"));
    let line = Text::new(PLAIN, "  ").join(Text::new(PLAIN, name).cut(label)).pad_to(label + 4);
    let room = columns.saturating_sub(line.width() + figures.width()).max(4);
    let spark = history.sparkline(view.now, room as u64, view.style.colour);
    let end = line.width() + room;
    line.join(spark).pad_to(end).join(figures)
}

fn services(view: &View<'_>) -> Option<Text> {
    if view.summary.services.is_empty() {
        return None;
    }
    let label = Text::new(DIM, "  services").pad_to(12);
    Some(view.summary.services.iter().fold(label, |line, service| {
        let (style, symbol) = match service.state {
            Running::Ready => (GREEN, "●"),
            // Whether it is ready is asked once, at the start; from then on the probes tell.
            Running::Started if service.restarts > 0 => (GREEN, "●"),
            Running::Started => (YELLOW, "◌"),
            Running::Exited { .. } => (RED, "✗"),
        };
        let line = line.add(style, symbol).add(PLAIN, " ").add(PLAIN, &service.name);
        let line = match service.restarts {
            0 => line,
            restarts => line.add(DIM, &format!(" ↻{restarts}")),
        };
        line.add(PLAIN, "  ")
    }))
}

/// The faults that are on; a fault that is over at once is never on.
fn faults(view: &View<'_>) -> Vec<Text> {
    let on =
        |act: &&ActSummary| act.step.is_some() && act.undone.is_none() && act.class != Class::X;
    let on: Vec<_> = view.summary.acts.iter().filter(on).collect();
    let mut lines: Vec<_> = on.iter().rev().take(3).rev().map(|act| fault(act)).collect();
    if on.len() > lines.len() {
        let more = on.len() - lines.len();
        lines.push(Text::default().pad_to(12).add(DIM, &format!("… and {more} more")));
    }
    lines
}

fn fault(act: &ActSummary) -> Text {
    let (style, symbol) = match act.effect.strength {
        Strength::Proved => (GREEN, "✓"),
        Strength::Pending => (YELLOW, "…"),
        Strength::Absent => (RED, "✗"),
    };
    Text::new(DIM, "  fault")
        .pad_to(12)
        .add(style, symbol)
        .add(PLAIN, &format!(" {} on {} ", act.fault, act.site))
        .add(DIM, &format!("({}) {}", act.class, act.effect.evidence))
}
