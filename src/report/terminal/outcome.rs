//! The result on stdout: what was measured, what was done, and one line that says what it means.

use std::io::{self, Write};

use comfy_table::Table;

use super::style::Style;
use super::table;
use super::text::{BOLD, DIM, GREEN, PLAIN, RED, Text, YELLOW};
use crate::act::Strength;
use crate::outcome::Outcome;
use crate::report::figure;
use crate::report::summary::{Fault, Summary, UndoState};
use crate::sample::Phase;

/// Writes the result of a run.
///
/// Fails when `out` does.
pub fn render_final(style: Style, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { style, out };
    page.heading(summary)?;
    page.table(table::probes(summary, style))?;
    page.table(table::recovery(summary, style))?;
    page.faults(summary)?;
    page.residue(summary)?;
    page.findings(summary)?;
    page.about(summary)?;
    page.verdict(summary)
}

struct Page<'a> {
    style: Style,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn line(&mut self, text: Text, hang: usize) -> io::Result<()> {
        for line in text.wrap(self.style.size.columns, hang) {
            writeln!(self.out, "{}", line.render(self.style.colour))?;
        }
        Ok(())
    }

    fn heading(&mut self, summary: &Summary) -> io::Result<()> {
        let Some(run) = &summary.run else { return Ok(()) };
        self.line(Text::new(BOLD, &run.title), 0)?;
        if !run.hypothesis.is_empty() {
            self.line(Text::new(DIM, &run.hypothesis), 0)?;
        }
        writeln!(self.out)
    }

    fn table(&mut self, table: Option<Table>) -> io::Result<()> {
        let Some(table) = table else { return Ok(()) };
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        writeln!(self.out)
    }

    fn faults(&mut self, summary: &Summary) -> io::Result<()> {
        for fault in summary.faults() {
            self.fault(&fault)?;
        }
        for step in summary.left_out() {
            let why = step.manner.as_deref().unwrap_or("nothing to do");
            let head = Text::new(DIM, "· ").add(BOLD, &step.name).add(DIM, "  nothing was done: ");
            self.line(head.add(DIM, why), 2)?;
        }
        for failure in &summary.failures {
            let head = Text::new(RED, "✗ ")
                .add(BOLD, summary.step_of(failure))
                .add(PLAIN, &format!("  {}", failure.what()));
            self.line(head, 2)?;
            self.line(entry("failed", RED, &failure.reason), 12)?;
        }
        let open = summary.acts.iter().filter(|act| act.step.is_none() && act.is_open());
        for act in open {
            let head =
                Text::new(YELLOW, "! ").add(PLAIN, &format!("{} on {}", act.fault, act.site));
            self.line(head.add(DIM, "  not known to be undone"), 2)?;
        }
        if !summary.steps.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        let strength = fault.effect().map_or(Strength::Absent, |effect| effect.strength);
        let (style, symbol, doubt) = match strength {
            Strength::Proved => (GREEN, "✓ ", ""),
            Strength::Pending => (YELLOW, "? ", "not seen: "),
            Strength::Absent => (RED, "✗ ", "no effect: "),
        };
        let (undo_style, undo) = undo(&fault.undo());
        let clean = matches!(fault.undo(), UndoState::Undone | UndoState::Irreversible);
        let (style, symbol) = if clean { (style, symbol) } else { (RED, "✗ ") };
        let class = format!("  ({} {})", fault.class(), fault.class().word());
        let head = Text::new(style, symbol)
            .add(BOLD, fault.step)
            .add(PLAIN, &format!("  {}", fault.name()))
            .add(DIM, &class);
        self.line(head, 2)?;
        if fault.effect().is_some() {
            self.line(entry("proof", PLAIN, &format!("{doubt}{}", fault.evidence())), 12)?;
        }
        self.line(entry("undo", undo_style, &undo), 12)
    }

    fn residue(&mut self, summary: &Summary) -> io::Result<()> {
        match &summary.residue {
            Some(residue) if residue.is_empty() => {
                self.line(Text::new(GREEN, "✓ ").add(PLAIN, "nothing left behind"), 2)?;
            }
            Some(residue) => {
                self.line(Text::new(RED, "✗ ").add(BOLD, "left behind"), 2)?;
                for left in residue {
                    self.line(Text::new(PLAIN, "  - ").add(PLAIN, left), 4)?;
                }
            }
            None => self.line(
                Text::new(YELLOW, "! ").add(PLAIN, "what is left behind was not checked"),
                2,
            )?,
        }
        writeln!(self.out)
    }

    /// All that is not told by the verdict line itself.
    fn findings(&mut self, summary: &Summary) -> io::Result<()> {
        let deviations = summary.deviations();
        let doubts = summary.doubts();
        let told = matches!(summary.outcome(), Some(Outcome::Deviated | Outcome::Unsteady));
        if deviations.len() > usize::from(told) || !doubts.is_empty() {
            for deviation in &deviations {
                self.line(Text::new(RED, "✗ ").add(PLAIN, deviation), 2)?;
            }
            for doubt in &doubts {
                self.line(Text::new(YELLOW, "? ").add(PLAIN, doubt), 2)?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn about(&mut self, summary: &Summary) -> io::Result<()> {
        let Some(run) = &summary.run else { return Ok(()) };
        let phases = [Phase::Before, Phase::During, Phase::Recovery, Phase::After];
        let lengths = phases
            .into_iter()
            .filter(|phase| summary.phases.iter().any(|span| span.phase == *phase))
            .map(|phase| {
                let length = summary.phase_length(phase, summary.last);
                format!("{} {}", table::word(phase), figure::time(length))
            });
        let hash = run.plan_hash.get(..8).unwrap_or(&run.plan_hash);
        let about = format!("run {} · seed {} · plan {hash}", run.run, run.seed);
        self.line(Text::new(DIM, &about), 0)?;
        let mut took = vec![format!("took {}", figure::time(summary.last.0))];
        took.extend(lengths);
        self.line(Text::new(DIM, &took.join(" · ")), 0)?;
        self.line(Text::new(DIM, &format!("folder {}", run.folder.display())), 0)?;
        writeln!(self.out)
    }

    fn verdict(&mut self, summary: &Summary) -> io::Result<()> {
        let (style, word) = match summary.outcome() {
            Some(outcome) => {
                (of_outcome(outcome), format!("{outcome} (exit {}): ", outcome.code()))
            }
            None => (RED, "did not finish: ".to_owned()),
        };
        self.line(Text::new(style.bold(), &word).add(BOLD, &summary.cause()), 0)?;
        match summary.advice() {
            Some(advice) => self.line(Text::new(DIM, "next: ").add(PLAIN, &advice), 6),
            None => Ok(()),
        }
    }
}

fn entry(label: &str, style: anstyle::Style, text: &str) -> Text {
    Text::new(DIM, "  ").add(DIM, label).pad_to(12).add(style, text)
}

fn undo(state: &UndoState<'_>) -> (anstyle::Style, String) {
    match state {
        UndoState::Irreversible => (DIM, "none, it is irreversible".to_owned()),
        UndoState::Undone => (PLAIN, "undone, nothing of it is left".to_owned()),
        UndoState::NotOurs(found) => (YELLOW, format!("left alone, not ours any more: {found}")),
        UndoState::Unknown => (RED, "not known to be undone".to_owned()),
        UndoState::Failed { reason, manual } => {
            (RED, format!("failed: {reason}; by hand: {manual}"))
        }
    }
}

/// The colour of an outcome.
const fn of_outcome(outcome: Outcome) -> anstyle::Style {
    match outcome {
        Outcome::Held => GREEN,
        Outcome::Deviated | Outcome::Usage | Outcome::Residue => RED,
        Outcome::Unsteady | Outcome::NotInjected | Outcome::Aborted | Outcome::Inconclusive => {
            YELLOW
        }
    }
}
