//! Hidden commands: what this program starts of itself.

use std::time::Duration;

use crate::agent::{Hello, Host, serve};
use crate::error::Result;
use crate::outcome::Outcome;
use crate::sys::process::adopt_orphans;
use crate::sys::service::Launch;
use crate::sys::stress::{Worker, run_worker};

#[derive(Debug, clap::Args)]
pub(super) struct AgentArgs {}

impl AgentArgs {
    #[expect(clippy::unused_self, reason = "every command is executed alike")]
    pub(super) fn exec(self) -> Result<Outcome> {
        adopt_orphans()?;
        // Started through /proc/self/exe, it would be called `exe` in every list of processes.
        nix::sys::prctl::set_name(c"shakedown-agent").map_err(anyhow::Error::from)?;
        serve(|hello| Ok(Host::new(launch(hello))))?;
        Ok(Outcome::Held)
    }
}

/// What services inherit.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

fn launch(hello: &Hello) -> Launch {
    let inherited =
        INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    Launch {
        run: hello.run.clone(),
        folder: hello.folder.clone(),
        cgroup: hello.cgroup.clone(),
        environment: inherited.collect(),
        secrets: hello.secrets.clone(),
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct WorkerArgs {
    /// The share of one processor, in percent.
    #[arg(long)]
    load: f64,
    /// The moment to end at, in nanoseconds on `CLOCK_BOOTTIME`.
    #[arg(long)]
    deadline: u64,
}

impl WorkerArgs {
    pub(super) fn exec(self) -> Result<Outcome> {
        let deadline = Duration::from_nanos(self.deadline);
        run_worker(Worker { load: (self.load / 100.0).clamp(0.0, 1.0), deadline })?;
        Ok(Outcome::Held)
    }
}
