//! What a person sees: lines and a live block on stderr while it runs, the result on stdout.

mod block;
mod history;
mod outcome;
mod screen;
mod style;
mod table;
mod text;

use std::io::Write;

pub use outcome::render_final;
pub use style::{Size, Style, size_of};
pub(super) use table::word as phase_word;

use self::block::{View, block};
use self::history::History;
use self::screen::Screen;
use self::text::{BOLD, DIM, PLAIN, Text, of_mark};
use super::figure;
use super::{Line, Mark, Summary};
use crate::event::{Event, RunStarted, What};
use crate::sample::Elapsed;

/// The shortest time between two frames, in nanoseconds.
const FRAME: u64 = 100_000_000;
/// The length of a column of a sparkline, unless the probes are slower, in nanoseconds.
const BUCKET: u64 = 500_000_000;

/// Tells a run as it happens. Writing never fails: a stream that is gone is left alone.
pub struct Terminal<'w> {
    screen: Screen<'w>,
    summary: Summary,
    histories: Vec<(String, History)>,
    told: usize,
    frame: Option<Elapsed>,
}

impl<'w> Terminal<'w> {
    /// On a stream, which is usually stderr.
    pub fn new(style: Style, out: &'w mut dyn Write) -> Self {
        let (screen, summary) = (Screen::new(style, out), Summary::default());
        Self { screen, summary, histories: Vec::new(), told: 0, frame: None }
    }

    /// Takes in the next event and writes what there is to tell about it.
    pub fn observe(&mut self, event: &Event) {
        self.summary.observe(event);
        match &event.what {
            What::RunStarted(run) => self.begin(run),
            What::Sampled(sample) => {
                let mut known = self.histories.iter_mut();
                if let Some((_, history)) = known.find(|(name, _)| *name == sample.probe) {
                    history.observe(sample);
                }
            }
            _ => {}
        }
        let news = self.summary.timeline.get(self.told..).unwrap_or_default();
        let lines: Vec<_> = news.iter().flat_map(|line| permanent(line, self.style())).collect();
        self.told = self.summary.timeline.len();
        if !lines.is_empty() {
            self.draw(&lines, event.elapsed);
        }
    }

    /// Redraws the live block, at most ten times a second however often it is called.
    pub fn tick(&mut self, now: Elapsed) {
        let due = self.frame.is_none_or(|last| now.0 >= last.0 + FRAME);
        if self.style().interactive && due && self.summary.run.is_some() {
            self.draw(&[], now);
        }
    }

    /// The terminal's size has changed.
    pub fn resize(&mut self, size: Size) {
        self.screen.style_mut().size = size;
    }

    /// Takes the live block away. What is written afterwards stands below the lines, with an empty
    /// one between.
    pub fn finish(mut self) {
        self.screen.draw(&[Text::default()], &[]);
    }

    /// The run as told so far.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    const fn style(&self) -> Style {
        self.screen.style()
    }

    fn begin(&mut self, run: &RunStarted) {
        // Half a second shows a short run well; slower probes would leave gaps.
        let slowest = run.probes.iter().map(|probe| probe.rate.period().as_nanos()).max();
        let slowest = slowest.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0);
        let bucket = BUCKET.max(slowest).min(10 * BUCKET);
        let names = run.probes.iter().map(|probe| probe.name.clone());
        self.histories = names.map(|name| (name, History::new(bucket))).collect();
        let steps = figure::count(run.steps.len() as u64, "step");
        let probes = figure::count(run.probes.len() as u64, "probe");
        let hash = run.plan_hash.get(..8).unwrap_or(&run.plan_hash);
        let about =
            format!("run {} · seed {} · plan {hash} · {probes}, {steps}", run.run, run.seed);
        let columns = self.style().size.columns;
        let mut lines = Text::new(BOLD, &run.title).wrap(columns, 0);
        lines.extend(Text::new(DIM, &about).wrap(columns, 0));
        lines.push(Text::default());
        self.screen.draw(&lines, &[]);
    }

    fn draw(&mut self, lines: &[Text], now: Elapsed) {
        let style = self.style();
        let view = View { summary: &self.summary, histories: &self.histories, now, style };
        let block = if style.interactive { block(&view) } else { Vec::new() };
        self.screen.draw(lines, &block);
        self.frame = Some(now);
    }
}

/// However the run ends, no half a block stays behind.
impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.screen.clear();
    }
}

/// A line of news as it stays on the terminal; with the time where nothing else shows it.
fn permanent(line: &Line, style: Style) -> Vec<Text> {
    let mut text = Text::default();
    if !style.interactive {
        text = text.add(DIM, &format!("{:>8}  ", format!("+{:.1}s", line.at.as_secs_f64())));
    }
    if line.nested {
        text = text.add(PLAIN, "  ");
    }
    text = text.add(of_mark(line.mark), &format!("{} ", line.mark.symbol()));
    let hang = text.width();
    let body = if line.mark == Mark::Step { BOLD } else { PLAIN };
    text = text.add(if line.mark == Mark::Note { DIM } else { body }, &line.text);
    if let Some(detail) = &line.detail {
        text = text.add(DIM, &format!(" — {detail}"));
    }
    // A log is searched and cut by other programs: one line stays one line.
    if style.interactive { text.wrap(style.size.columns - 1, hang) } else { vec![text] }
}

#[cfg(test)]
mod tests;
