//! Where runs are kept: one private folder each, with journal, events, plan and logs.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::journal::{History, read_history};

/// The folder of all runs of this user on this host: `SHAKEDOWN_STATE_DIR`, or
/// `/var/lib/shakedown` for root, `$XDG_STATE_HOME/shakedown` or `~/.local/state/shakedown` for
/// others.
#[derive(Clone, Debug)]
pub struct Runs {
    base: PathBuf,
}

impl Runs {
    /// The folder as this process's environment says; it need not exist.
    pub fn locate() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let base = if let Some(folder) = variable("SHAKEDOWN_STATE_DIR") {
            folder
        } else if nix::unistd::geteuid().is_root() {
            PathBuf::from("/var/lib/shakedown")
        } else if let Some(folder) = variable("XDG_STATE_HOME") {
            folder.join("shakedown")
        } else if let Some(home) = variable("HOME") {
            home.join(".local/state/shakedown")
        } else {
            bail!(
                "there is no place to keep runs: set SHAKEDOWN_STATE_DIR, XDG_STATE_HOME or HOME"
            );
        };
        // The agent works in another folder than the controller.
        let base = std::path::absolute(&base)
            .with_context(|| format!("cannot tell where {} is", base.display()))?;
        Ok(Self { base })
    }

    /// Makes the folder of a new run, private to this user.
    pub fn create(&self, run: &str) -> Result<PathBuf> {
        let folder = self.folder(run);
        let what = || format!("cannot make the run's folder {}", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(self.runs()).with_context(what)?;
        for folder in [&self.base, &self.runs()] {
            check_private(folder)?;
        }
        DirBuilder::new().mode(0o700).create(&folder).with_context(what)?;
        Ok(folder)
    }

    /// The folder of all runs, whether or not it is there.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Whether the folders that are there already can be trusted: nobody else may write to them.
    pub fn check(&self) -> Result<()> {
        let there = [self.base.clone(), self.runs()];
        there.iter().filter(|folder| folder.exists()).try_for_each(|folder| check_private(folder))
    }

    /// The folder of a run.
    #[must_use]
    pub fn folder(&self, run: &str) -> PathBuf {
        self.runs().join(run)
    }

    /// The names of all runs, the oldest first.
    pub fn names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.runs()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read {}", self.runs().display()));
            }
        };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The runs that died before they had a journal: they did nothing yet. One that is about to
    /// begin is no such run.
    pub fn unborn(&self) -> Result<Vec<String>> {
        let is_old = |folder: &Path| {
            let age = fs::metadata(folder).and_then(|meta| meta.modified()).map(|at| at.elapsed());
            age.is_ok_and(|age| age.is_ok_and(|age| age > BIRTH))
        };
        let mut names = self.names()?;
        names.retain(|name| {
            let folder = self.folder(name);
            !["journal", "journal.closed"].iter().any(|it| folder.join(it).exists())
                && is_old(&folder)
        });
        Ok(names)
    }

    /// Every run whose journal is not closed, with what the journal tells or why it cannot be read.
    pub fn unclosed(&self) -> Result<Vec<(String, Result<History>)>> {
        self.check()?;
        let mut unclosed = Vec::new();
        for name in self.names()? {
            let folder = self.folder(&name);
            if !folder.join("journal").exists() {
                continue;
            }
            // A journal that was closed, but died before it was renamed, has nothing to undo.
            match read_history(&folder) {
                Ok(history) if history.is_closed() => {}
                history => unclosed.push((name, history)),
            }
        }
        Ok(unclosed)
    }

    fn runs(&self) -> PathBuf {
        self.base.join("runs")
    }
}

/// How long after its folder was made a run has its journal.
const BIRTH: Duration = Duration::from_secs(60);

/// A journal that others can replace is their will and not ours.
fn check_private(folder: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(folder)
        .with_context(|| format!("cannot look at {}", folder.display()))?;
    let me = nix::unistd::geteuid().as_raw();
    if !meta.is_dir() || meta.uid() != me || meta.mode() & 0o022 != 0 {
        bail!(
            "{} must be a folder that only this user can write to (owner {}, mode {:o}); \
             mend it with `chmod 700` or name another in SHAKEDOWN_STATE_DIR",
            folder.display(),
            meta.uid(),
            meta.mode() & 0o7777
        );
    }
    Ok(())
}
