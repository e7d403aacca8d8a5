//! Why nothing matched: the nearest misses.

use super::criterion::Criterion;
use super::select::{Search, Selection};
use super::table::{ProcessTable, Row};
use super::{printable, printable::shortened};
use crate::error::Error;

/// So many misses are told; more would hide the ones that help.
const TOLD: usize = 3;
/// `TASK_COMM_LEN` of the kernel without the final zero: names are cut there.
const LONGEST_NAME: usize = 15;
/// Names at least this alike (Jaro–Winkler, 0 to 1) may be typing errors.
const ALIKE: f64 = 0.8;

/// The error of a selection without a match.
pub(super) fn explain(
    search: &Search<'_>,
    table: &ProcessTable,
    criteria: &[Criterion],
    selection: &Selection,
) -> Error {
    let pid = criteria.iter().find_map(|criterion| match criterion {
        Criterion::Pid(pid) => Some(*pid),
        _ => None,
    });
    match (pid, selection.rejected.as_slice()) {
        (Some(pid), []) if table.rows().is_empty() => {
            Error::not_injected(format!("there is no process {pid} on this host"))
        }
        (Some(_), [(process, why), ..]) => {
            Error::not_injected(format!("{process} {why}; it is never a target"))
        }
        (_, rejected @ [_, ..]) => {
            let mut error = Error::not_injected(format!(
                "no process may be a target of `{}`: all {} that match are left out",
                as_written(criteria),
                rejected.len(),
            ));
            for (process, why) in rejected.iter().take(TOLD) {
                error = error.hint(format!("{process} {why}"));
            }
            error
        }
        (_, []) => nearest(search, table, criteria),
    }
}

fn nearest(search: &Search<'_>, table: &ProcessTable, criteria: &[Criterion]) -> Error {
    let message = format!("no process matches `{}`", as_written(criteria));
    let mut hints = all_but_one(search, table, criteria);
    for criterion in criteria {
        if let Criterion::Name(name) = criterion {
            hints.extend(alike(table, name));
        }
    }
    if criteria.iter().any(Criterion::is_private) && !nix::unistd::geteuid().is_root() {
        hints.push("only root sees the ports and executables of other users' processes".to_owned());
    }
    hints.into_iter().fold(Error::not_injected(message), Error::hint)
}

/// Processes that fail in a single field.
fn all_but_one(search: &Search<'_>, table: &ProcessTable, criteria: &[Criterion]) -> Vec<String> {
    if criteria.len() < 2 {
        return Vec::new();
    }
    let miss = |row: &Row| {
        let mut failed = criteria.iter().filter(|it| !it.holds(row, &search.cache));
        let first = failed.next()?;
        failed.next().is_none().then(|| {
            let found = printable(&first.found(row, &search.users, &search.cache));
            let found = shortened(&found, 80);
            format!("process {} matches all but `{}`: {found}", row.id, first.as_written())
        })
    };
    table.rows().iter().filter_map(miss).take(TOLD).collect()
}

/// What the name may have been meant to be.
fn alike(table: &ProcessTable, name: &str) -> Vec<String> {
    if name.len() > LONGEST_NAME {
        let cut: String = name
            .char_indices()
            .take_while(|(at, it)| at + it.len_utf8() <= LONGEST_NAME)
            .map(|(_, it)| it)
            .collect();
        return vec![format!("the kernel cuts names after 15 bytes; try `name: {cut}`")];
    }
    let likeness = |row: &Row| (strsim::jaro_winkler(name, &row.name), row.name.clone());
    let mut names: Vec<(f64, String)> =
        table.rows().iter().map(likeness).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    names.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    names.dedup_by(|one, other| one.1 == other.1);
    let name = |(_, name): (f64, String)| format!("a process is named `{}`", printable(&name));
    names.into_iter().take(TOLD).map(name).collect()
}

fn as_written(criteria: &[Criterion]) -> String {
    let fields: Vec<String> = criteria.iter().map(Criterion::as_written).collect();
    format!("{{ {} }}", fields.join(", "))
}
