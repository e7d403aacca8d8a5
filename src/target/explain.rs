//! A selection as a table.

use comfy_table::{ContentArrangement, Table, presets};

use super::printable::shortened;
use super::{Process, Selection, printable};

/// So much of a command line is shown.
const LONGEST_COMMAND: usize = 60;

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The process.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its name.
    pub name: String,
    /// Its command line, shortened.
    pub command: String,
    /// `matches`, or why it is left out all the same.
    pub verdict: String,
}

impl Selection {
    /// A line for each process: those that match, then those left out. Safe to print.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let matched = self.matched.iter().map(|process| line(process, "matches".to_owned()));
        let rejected = self.rejected.iter().map(|(process, why)| line(process, why.to_string()));
        matched.chain(rejected).collect()
    }

    /// The lines as a table for people.
    #[must_use]
    pub fn render(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["PID", "USER", "NAME", "COMMAND", ""]);
        for line in self.explain() {
            let pid = line.pid.to_string();
            table.add_row([pid, line.user, line.name, line.command, line.verdict]);
        }
        table.trim_fmt()
    }
}

fn line(process: &Process, verdict: String) -> Explained {
    Explained {
        pid: process.id.pid,
        user: printable(&process.user),
        name: printable(&process.name),
        command: shortened(&printable(&process.command.join(" ")), LONGEST_COMMAND),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::ProcessId;
    use crate::target::Why;

    fn process(pid: i32, name: &str, command: &[&str]) -> Process {
        Process {
            id: ProcessId { pid, start_time: 1 },
            parent: 1,
            name: name.to_owned(),
            exe: None,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            uid: 110,
            user: "redis".to_owned(),
            cgroups: Vec::new(),
            unit: None,
            state: 'S',
            tracer: None,
            namespace_pids: Vec::new(),
        }
    }

    #[test]
    fn a_selection_is_a_table() {
        let server = process(812, "redis-server", &["redis-server", "127.0.0.1:6379"]);
        let sly = process(7, "sh\u{1b}[2J", &["sh", "-c", &"x".repeat(80)]);
        let selection = Selection { matched: vec![server], rejected: vec![(sly, Why::Ancestor)] };
        insta::assert_snapshot!(selection.render(), @r"
        PID  USER   NAME          COMMAND
        812  redis  redis-server  redis-server 127.0.0.1:6379                                   matches
        7    redis  sh\u{1b}[2J   sh -c xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…  is an ancestor of this shakedown
        ");
    }
}
