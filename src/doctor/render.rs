//! Checks as a table for people. Pure.

use comfy_table::{ContentArrangement, Table, presets};

use super::{Check, State};
use crate::target::printable;

/// The checks in a table so many columns wide, and what they come to.
#[must_use]
pub fn human(checks: &[Check], width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["", "CHECK", "FOUND", "WHAT IT MEANS"]);
    for check in checks {
        let remedy = check.remedy.map(|remedy| format!("\n→ {remedy}")).unwrap_or_default();
        table.add_row([
            check.state.word().to_owned(),
            check.name.to_owned(),
            printable(&check.found),
            format!("{}{remedy}", check.means),
        ]);
    }
    format!("{}\n\n{}\n", table.trim_fmt(), sentence(checks))
}

fn sentence(checks: &[Check]) -> String {
    let named = |state: State| {
        let names = checks.iter().filter(|check| check.state == state).map(|check| check.name);
        names.collect::<Vec<_>>().join(", ")
    };
    match (named(State::Missing), named(State::Gap)) {
        (missing, _) if !missing.is_empty() => {
            format!("No experiment can run here before this is mended: {missing}")
        }
        (_, gaps) if gaps.is_empty() => "Everything works here.".to_owned(),
        (_, gaps) => format!("Experiments run here; what is less than it could be: {gaps}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_what_it_means_and_how_to_mend_it() {
        let good = Check::ok("clock", "CLOCK_BOOTTIME", "deadlines go on while the machine sleeps");
        let gap =
            Check::gap("netem", "no such \u{1b}file", "no network-latency", "modprobe sch_netem");
        insta::assert_snapshot!(human(&[good.clone(), gap.clone()], 80), @r"
              CHECK  FOUND               WHAT IT MEANS
         ok   clock  CLOCK_BOOTTIME      deadlines go on while the machine sleeps
         gap  netem  no such \u{1b}file  no network-latency
                                         → modprobe sch_netem

        Experiments run here; what is less than it could be: netem
        ");
        insta::assert_snapshot!(sentence(std::slice::from_ref(&good)), @"Everything works here.");
        insta::assert_snapshot!(sentence(&[gap.essential(), good]), @"No experiment can run here before this is mended: netem");
    }
}
