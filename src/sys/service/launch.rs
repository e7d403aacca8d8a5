//! Starting the process of a service.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::act::StartService;
use crate::spec::template;
use crate::sys::cgroup::Cgroup;
use crate::sys::process::Process;
use crate::sys::spawn::Spawn;

/// What all services of a run have in common.
#[derive(Debug)]
pub struct Launch {
    /// The run's id, in `SHAKEDOWN_RUN` of each service's environment.
    pub run: String,
    /// The run's folder.
    pub folder: PathBuf,
    /// The control group below which each service has one of its own.
    pub cgroup: Option<PathBuf>,
    /// What is inherited: `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`, where set.
    pub environment: Vec<(String, String)>,
    /// Values for `${secret.name}`.
    pub secrets: BTreeMap<String, String>,
}

impl Launch {
    /// Starts the service's process in a session of its own, which ends with this process.
    pub(super) fn start(
        &self,
        service: &StartService,
        network: Option<&OwnedFd>,
        cgroup: Option<&Cgroup>,
    ) -> Result<Process> {
        let what = || format!("cannot start the service {}", service.name);
        let words: Result<Vec<String>> =
            service.command.iter().map(|word| self.fill(word)).collect();
        let words = words.with_context(what)?;
        let (program, arguments) =
            words.split_first().context("its command is empty").with_context(what)?;
        let directory = self.directory(service).with_context(what)?;
        let log = self.log(service).with_context(what)?;
        let null = File::open("/dev/null").context("cannot open /dev/null")?;
        let group = cgroup.map(Cgroup::open).transpose().with_context(what)?;
        Spawn {
            program: OsStr::new(program),
            arguments: arguments.iter().map(OsStr::new).collect(),
            environment: self.environment_of(service).with_context(what)?,
            directory: &directory,
            stdio: [null.as_fd(), log.as_fd(), log.as_fd()],
            cgroup: group.as_ref().map(AsFd::as_fd),
            network: network.map(AsFd::as_fd),
            dies_with_us: true,
        }
        .start()
        .with_context(what)
    }

    fn environment_of(&self, service: &StartService) -> Result<Vec<(String, String)>> {
        let mut environment = self.environment.clone();
        environment.push(("SHAKEDOWN_RUN".to_owned(), self.run.clone()));
        environment.push(("SHAKEDOWN_SERVICE".to_owned(), service.name.clone()));
        for (name, value) in &service.environment {
            environment.retain(|(inherited, _)| inherited != name);
            environment.push((name.clone(), self.fill(value)?));
        }
        Ok(environment)
    }

    fn directory(&self, service: &StartService) -> Result<PathBuf> {
        if let Some(directory) = &service.directory {
            return Ok(PathBuf::from(self.fill(&directory.display().to_string())?));
        }
        let directory = self.folder.join("services").join(&service.name);
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(directory)
    }

    fn log(&self, service: &StartService) -> Result<OwnedFd> {
        let path = self.folder.join(format!("{}.log", service.name));
        let file = File::options().create(true).append(true).mode(0o600).open(&path);
        file.map(OwnedFd::from).with_context(|| format!("cannot open the log {}", path.display()))
    }

    /// Fills in what could not stand in the plan: the run's folder and secrets.
    fn fill(&self, text: &str) -> Result<String> {
        Ok(template::fill(text, |name| match name.strip_prefix("secret.") {
            Some(secret) => self.secrets.get(secret).cloned(),
            None if name == "run.dir" => Some(self.folder.display().to_string()),
            None => None,
        })?)
    }
}

/// Waits for a child that has ended; how it ended, in words.
pub(super) fn reap(process: &Process) -> String {
    match waitpid(Pid::from_raw(process.id().pid), None) {
        Ok(WaitStatus::Exited(_, code)) => format!("exit code {code}"),
        Ok(WaitStatus::Signaled(_, signal, _)) => format!("killed by {signal}"),
        _ => "ended".to_owned(),
    }
}
