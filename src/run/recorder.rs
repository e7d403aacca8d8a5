//! Events as they happen: on disk, and to whoever listens.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use super::Told;
use crate::clock::RunClock;
use crate::event::{Event, What};
use crate::sample::Elapsed;

/// Where events go.
pub(super) struct Recorder<'a> {
    file: File,
    clock: RunClock,
    audience: &'a mut dyn FnMut(Told<'_>),
    /// Why events are not on disk any more: a full disk must not end a run, but is told.
    broken: Option<String>,
}

impl<'a> Recorder<'a> {
    pub(super) fn create(
        folder: &Path,
        clock: RunClock,
        audience: &'a mut dyn FnMut(Told<'_>),
    ) -> Result<Self> {
        let path = folder.join("events.jsonl");
        let file = File::options().create_new(true).append(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { file, clock, audience, broken: None })
    }

    /// Notes what happened now, in one write, so that a run that is killed leaves whole lines.
    pub(super) fn record(&mut self, what: What) -> Elapsed {
        let event = Event { at: jiff::Timestamp::now(), elapsed: self.clock.now(), what };
        let written =
            serde_json::to_vec(&event).map_err(std::io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)
            });
        if let Err(error) = written {
            self.broken.get_or_insert_with(|| error.to_string());
        }
        (self.audience)(Told::Event(&event));
        event.elapsed
    }

    /// Lets the audience draw.
    pub(super) fn tick(&mut self) {
        let now = self.clock.now();
        (self.audience)(Told::Tick(now));
    }

    /// Why events are missing on disk, if they are.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}
