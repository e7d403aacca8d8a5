//! The method for people: a paragraph for each step.

use std::fmt::Write as _;

use crate::act::{Act, SiteRef};
use crate::fault;
use crate::plan::{Entry, PlannedAct, PlannedStep, Rhythm};
use crate::target::printable;

/// Where the words of a step begin, below its number.
const STEP: usize = 5;
/// Where what is said of its acts begins.
const ACTS: usize = 16;

/// The entries, wrapped to `width` columns where that is given.
pub(super) fn method(entries: &[Entry], width: Option<u16>) -> String {
    let mut page = Page { text: String::new(), width: width.map(usize::from) };
    for entry in entries {
        if let Some(wait) = entry.wait {
            page.line("", STEP, &format!("wait {wait}"));
        }
        for step in &entry.steps {
            page.step(step);
        }
    }
    page.text
}

struct Page {
    text: String,
    width: Option<usize>,
}

impl Page {
    fn step(&mut self, step: &PlannedStep) {
        self.line(&format!("{:>3}", step.step), STEP, &printable(&step.name));
        self.line("", STEP, &what(step));
        for group in groups(step) {
            self.line("       on", ACTS, &group.sites.join(", "));
            if let Some(packets) = fault::packets(group.act) {
                self.line("       packets", ACTS, &printable(&packets));
            }
            if let Some(engine) = fault::engine(group.act) {
                let bounds = fault::bounds(engine);
                self.line("       engine", ACTS, &format!("{engine}: {bounds}"));
            }
            self.line("       undo", ACTS, &printable(group.undo));
            let class = group.act.class();
            self.line("       class", ACTS, &format!("{class} {}", class.word()));
        }
        if !step.left_out.is_empty() {
            let names: Vec<String> = step.left_out.iter().map(|name| printable(name)).collect();
            self.line("       left out", ACTS, &names.join(", "));
        }
    }

    /// A label and words behind it, which begin and go on at the same column.
    fn line(&mut self, label: &str, indent: usize, words: &str) {
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
        let mut label = label;
        let mut line = String::new();
        for word in words.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                self.put(label, indent, &line);
                (label, line) = ("", String::new());
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.put(label, indent, &line);
    }

    /// Writing to a string cannot fail.
    fn put(&mut self, label: &str, indent: usize, line: &str) {
        let _ = writeln!(self.text, "{label:<indent$}{line}");
    }
}

/// Such as `network-latency for 20s, after 2s; 2s on, 3s off`.
fn what(step: &PlannedStep) -> String {
    let lasts = step.duration.map_or_else(|| " at once".to_owned(), |it| format!(" for {it}"));
    let after = step.delay.map(|delay| format!(", after {delay}")).unwrap_or_default();
    let manner = step.manner().map(|manner| format!("; {manner}")).unwrap_or_default();
    format!("{}{lasts}{after}{manner}", step.fault)
}

/// Acts of which the same is to be said.
struct Group<'a> {
    act: &'a Act,
    undo: &'a str,
    sites: Vec<String>,
}

/// What is done where; of a ramp the first level stands for all.
fn groups(step: &PlannedStep) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let first = step.turns.first().filter(|_| matches!(step.rhythm, Rhythm::Ramp { .. }));
    let shown = |index: &usize| first.is_none_or(|turn| turn.acts.contains(index));
    for (index, planned) in step.acts.iter().enumerate().filter(|(index, _)| shown(index)) {
        let site = place(step, index, planned);
        if let Some(group) = groups.iter_mut().find(|group| is_alike(group, planned)) {
            group.sites.push(site);
        } else {
            let PlannedAct { act, undo } = planned;
            groups.push(Group { act, undo, sites: vec![site] });
        }
    }
    groups
}

fn is_alike(group: &Group<'_>, planned: &PlannedAct) -> bool {
    group.undo == planned.undo
        && group.act.class() == planned.act.class()
        && fault::packets(group.act) == fault::packets(&planned.act)
        && fault::engine(group.act) == fault::engine(&planned.act)
}

/// Where it is done, and how often if chance leaves some of its times out.
fn place(step: &PlannedStep, index: usize, planned: &PlannedAct) -> String {
    let site: SiteRef = planned.act.site();
    let times = step.turns.iter().filter(|turn| turn.acts.contains(&index)).count();
    match step.rhythm {
        Rhythm::Pulse(_) | Rhythm::Every(_) if step.probability.is_some() => {
            format!("{site} ({times} of {} times)", step.turns.len())
        }
        _ => site.to_string(),
    }
}
