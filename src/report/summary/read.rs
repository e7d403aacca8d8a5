//! Reads a run back from its `events.jsonl`, whole or cut short.

use std::io::BufRead;

use anyhow::{Context, anyhow};

use super::Summary;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::outcome::Outcome;

impl Summary {
    /// Folds the lines of an `events.jsonl`. A last line that was cut off is ignored.
    ///
    /// Fails when the reader does, when a line is damaged, when an event is of a kind that only a
    /// newer version knows, and when there is no event at all.
    pub fn from_lines(mut reader: impl BufRead) -> Result<Self> {
        let mut summary = Self::default();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).context("the events cannot be read")?;
            if read == 0 {
                break;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Event>(&line) {
                Ok(event) => summary.observe(&event),
                Err(error) => {
                    let last = reader.fill_buf().context("the events cannot be read")?.is_empty();
                    if !(last && is_torn(&error)) {
                        return Err(refused(number, &error));
                    }
                }
            }
        }
        if summary.run.is_none() {
            return Err(Error::usage("the file holds no run: its first event is missing")
                .hint("name the `events.jsonl` of a run's folder"));
        }
        Ok(summary)
    }
}

/// A line that was not written to its end is no JSON; one that is JSON was written whole.
fn is_torn(error: &serde_json::Error) -> bool {
    error.is_eof() || error.is_syntax()
}

fn refused(line: u64, error: &serde_json::Error) -> Error {
    let cause = anyhow!("{error}");
    if error.is_data() {
        let what = format!("line {line} holds an event that this version does not know");
        return Error::new(Outcome::Usage, cause.context(what))
            .hint("the file is from a newer version of shakedown; report it with that version");
    }
    Error::new(Outcome::Usage, cause.context(format!("line {line} of the events is damaged")))
        .hint("events are one JSON object per line, as a run wrote them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn lines(events: &[Event]) -> String {
        events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
    }

    #[test]
    fn a_run_reads_back_as_it_was() {
        let events = fixture::deviated();
        let read = Summary::from_lines(lines(&events).as_bytes()).unwrap();
        assert_eq!(read, fixture::summary(&events));
    }

    #[test]
    fn a_torn_last_line_is_ignored_wherever_it_is_cut() {
        let events = fixture::killed();
        let whole = lines(&events);
        let last = whole.trim_end().rfind('\n').unwrap() + 1;
        let without = fixture::summary(&events[..events.len() - 1]);
        for cut in last..whole.len() - 2 {
            let read = Summary::from_lines(&whole.as_bytes()[..cut]).unwrap();
            assert_eq!(read, without, "cut at {cut}");
        }
    }

    #[test]
    fn an_unknown_kind_is_of_a_newer_version() {
        let newer = r#"{"at":"2026-11-20T10:00:00Z","elapsed":1,"what":{"teleported":{}}}"#;
        let text = format!("{}{newer}\n", lines(&fixture::held()));
        let error = Summary::from_lines(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("that this version does not know: unknown variant"));
        assert_eq!(error.outcome(), Outcome::Usage);
        assert!(error.hints()[0].contains("newer version"));
    }

    #[test]
    fn damage_in_the_middle_is_an_error() {
        let text = lines(&fixture::held()).replacen("{\"at\"", "{\"", 3);
        let error = Summary::from_lines(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("line 1 of the events is damaged"), "{error}");
    }

    #[test]
    fn an_empty_file_holds_no_run() {
        assert!(Summary::from_lines(&b""[..]).unwrap_err().to_string().contains("no run"));
    }
}
