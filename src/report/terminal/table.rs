//! The tables of the result: probes by phase, and how they recovered.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::style::Style;
use crate::event::ProbeSummary;
use crate::report::escape::escape;
use crate::report::{Summary, figure};
use crate::sample::Phase;
use crate::verdict::{PhaseVerdict, RecoveryVerdict, Verdict};

const LINES: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The probes and their phases, judged or at least counted; none if nothing was sampled.
pub(super) fn probes(summary: &Summary, style: Style) -> Option<Table> {
    let known = summary.run.as_ref()?.probes.as_slice();
    let values = known.iter().any(|probe| probe.measures_value);
    let mut header = vec!["probe", "phase", "verdict", "success", "p50", "p99", "samples"];
    if values {
        header.push("value");
    }
    let mut table = table(&header, style);
    for probe in known {
        let mut name = probe.name.as_str();
        for phase in [Phase::Before, Phase::During, Phase::Recovery, Phase::After] {
            if let Some(cells) = row(summary, probe, phase) {
                let cells = cells.into_iter().take(header.len() - 1);
                table.add_row(std::iter::once(Cell::new(escape(name))).chain(cells));
                name = "";
            }
        }
    }
    (!table.is_empty()).then(|| aligned(table, 3))
}

/// How long failures took to show and to go; none if nothing failed.
pub(super) fn recovery(summary: &Summary, style: Style) -> Option<Table> {
    let mut table =
        table(&["recovery", "verdict", "detected", "outage", "recovered", "asked"], style);
    let broken =
        |known: &&RecoveryVerdict| known.outage_ns.is_some() || known.verdict != Verdict::Held;
    for known in summary.recoveries.iter().filter(broken) {
        let time = |nanos: Option<u64>| Cell::new(nanos.map_or("–".to_owned(), figure::time));
        table.add_row([
            Cell::new(escape(&known.probe)),
            verdict(known.verdict),
            time(known.time_to_detect_ns),
            time(known.outage_ns),
            Cell::new(known.time_to_recover_ns.map_or("never".to_owned(), figure::time)),
            Cell::new(escape(known.limit.as_deref().unwrap_or("–"))),
        ]);
    }
    (!table.is_empty()).then(|| {
        let mut table = aligned(table, 2);
        if let Some(asked) = table.column_mut(5) {
            asked.set_cell_alignment(CellAlignment::Left);
        }
        table
    })
}

fn table(header: &[&str], style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.size.columns).unwrap_or(u16::MAX));
    if style.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Dim)));
    table
}

/// Words to the left, figures to the right.
fn aligned(mut table: Table, words: usize) -> Table {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= words {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn row(summary: &Summary, probe: &ProbeSummary, phase: Phase) -> Option<Vec<Cell>> {
    match summary.verdict(&probe.name, phase) {
        // Nobody asks how recovery went sample by sample, unless a limit says so.
        Some(judged) if phase != Phase::Recovery || !judged.limits.is_empty() => {
            Some(judged_row(judged))
        }
        _ if phase == Phase::Recovery => None,
        _ => {
            let tally = summary.tally(&probe.name, phase)?;
            let samples = tally.ok + tally.violated + tally.unreachable + tally.probe_errors;
            Some(vec![
                Cell::new(word(phase)),
                Cell::new("· not judged").add_attribute(Attribute::Dim),
                Cell::new(tally.success_percent().map_or("–".to_owned(), figure::percent)),
                Cell::new("–"),
                Cell::new("–"),
                Cell::new(samples),
                Cell::new("–"),
            ])
        }
    }
}

fn judged_row(judged: &PhaseVerdict) -> Vec<Cell> {
    let figures = &judged.figures;
    let latency = figures.latency.as_ref();
    let time = |nanos: Option<u64>| Cell::new(nanos.map_or("–".to_owned(), figure::time));
    let value = figures.value.map(|value| match (value.min, value.max) {
        (min, max) if (max - min).abs() < f64::EPSILON => figure::number(min),
        (min, max) => format!("{} … {}", figure::number(min), figure::number(max)),
    });
    vec![
        Cell::new(word(judged.phase)),
        verdict(judged.verdict),
        Cell::new(figures.success_percent.map_or("–".to_owned(), figure::percent)),
        time(latency.map(|latency| latency.p50)),
        time(latency.map(|latency| latency.p99)),
        Cell::new(figures.samples),
        Cell::new(value.unwrap_or_else(|| "–".to_owned())),
    ]
}

fn verdict(verdict: Verdict) -> Cell {
    match verdict {
        Verdict::Held => Cell::new("✓ held").fg(Color::DarkGreen),
        Verdict::Deviated => Cell::new("✗ deviated").fg(Color::DarkRed),
        Verdict::Unknown => Cell::new("? unknown").fg(Color::DarkYellow),
    }
}

/// The phase in one word.
pub(in crate::report) const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "before",
        Phase::During => "during",
        Phase::Recovery => "recovery",
        Phase::After => "after",
    }
}
