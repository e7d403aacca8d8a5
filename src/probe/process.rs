//! A process's life and use of resources, from `/proc` (proc(5)).

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::ProcError;
use procfs::process::{Process, Stat};

use super::{Reading, Surroundings};
use crate::act::ProcessId;
use crate::spec::{ProcessMetric, ProcessProbe, ProcessSelector, ServiceSelector};

/// Looks at processes without touching them.
#[derive(Debug)]
pub(super) struct ProcessCheck {
    whom: Whom,
    metric: ProcessMetric,
    surroundings: Surroundings,
    /// The processor time of each process at the sample before.
    spent: RefCell<HashMap<ProcessId, Spent>>,
}

#[derive(Debug)]
enum Whom {
    /// All of these services must live.
    Services(ServiceSelector),
    /// At least one match must live.
    Matching(ProcessSelector),
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    cpu: Duration,
    at: Instant,
}

/// Why a process is not measured.
enum Lifeless {
    /// Gone, a zombie or stopped; in words.
    Target(String),
    /// We cannot see it.
    Ours(String),
}

impl ProcessCheck {
    /// Fails if neither services nor processes are named.
    pub(super) fn new(probe: &ProcessProbe, surroundings: &Surroundings) -> Result<Self, String> {
        let whom = match (&probe.service, &probe.select) {
            (Some(services), None) => Whom::Services(services.clone()),
            (None, Some(selector)) => Whom::Matching(selector.clone()),
            _ => return Err("a process probe needs either `service` or `select`".to_owned()),
        };
        Ok(Self {
            whom,
            metric: probe.metric,
            surroundings: surroundings.clone(),
            spent: RefCell::default(),
        })
    }

    /// Looks at all of them now.
    pub(super) fn measure(&self) -> Reading {
        let (mut living, mut lifeless) = (Vec::new(), Vec::new());
        for (name, process) in self.find() {
            match process.map_or_else(|| Err(Lifeless::Target("gone".to_owned())), look) {
                Ok(seen) => living.push(seen),
                Err(Lifeless::Target(why)) => lifeless.push(format!("{name} is {why}")),
                Err(Lifeless::Ours(why)) => return Reading::probe_error(format!("{name}: {why}")),
            }
        }
        let value = match self.total(&living) {
            Ok(value) => value,
            Err(why) => return Reading::probe_error(why),
        };
        let enough = match self.whom {
            Whom::Services(_) => lifeless.is_empty(),
            Whom::Matching(_) => !living.is_empty(),
        };
        let reading = if enough {
            Reading::ok()
        } else if lifeless.is_empty() {
            Reading::violated("no process matches")
        } else {
            Reading::violated(lifeless.join(", "))
        };
        value.map_or_else(|| reading.clone(), |value| reading.clone().with_value(value))
    }

    fn find(&self) -> Vec<(String, Option<ProcessId>)> {
        match &self.whom {
            Whom::Services(names) => names
                .as_slice()
                .iter()
                .map(|name| (format!("service {name}"), (self.surroundings.service)(name)))
                .collect(),
            Whom::Matching(selector) => (self.surroundings.select)(selector)
                .into_iter()
                .map(|process| (format!("process {process}"), Some(process)))
                .collect(),
        }
    }

    /// The sum of the metric; none if nothing lives to measure or there was no sample before.
    #[expect(clippy::cast_precision_loss, reason = "bytes and counts are below 2^53")]
    fn total(&self, living: &[(ProcessId, Process)]) -> Result<Option<f64>, String> {
        if self.metric == ProcessMetric::Alive {
            return Ok(Some(living.len() as f64));
        }
        let mut total = None;
        for (id, process) in living {
            let figure = match self.metric {
                ProcessMetric::Alive => None,
                // The kernel keeps this count on each processor: it may be some 100 KiB behind.
                ProcessMetric::Rss => process
                    .statm()
                    .map(|memory| Some((memory.resident * procfs::page_size()) as f64))
                    .or_else(gone)?,
                ProcessMetric::OpenFiles => {
                    process.fd_count().map(|count| Some(count as f64)).or_else(gone)?
                }
                ProcessMetric::Cpu => self.cpu(*id)?,
            };
            total = figure.map_or(total, |figure| Some(total.unwrap_or(0.0) + figure));
        }
        Ok(total)
    }

    /// Processor time since the sample before, in percent of one processor, to the nanosecond
    /// (`clock_getcpuclockid(3)`; the ticks of `/proc/PID/stat` are 10 ms).
    fn cpu(&self, process: ProcessId) -> Result<Option<f64>, String> {
        let clock = clock_getcpuclockid(Pid::from_raw(process.pid));
        let cpu = match clock.and_then(clock_gettime) {
            Ok(cpu) => Duration::from(cpu),
            Err(nix::Error::ESRCH | nix::Error::EINVAL) => return Ok(None),
            Err(error) => return Err(format!("its processor time cannot be read: {error}")),
        };
        let now = Spent { cpu, at: Instant::now() };
        let Some(before) = self.spent.borrow_mut().insert(process, now) else { return Ok(None) };
        let wall = now.at.duration_since(before.at).as_secs_f64();
        let used = now.cpu.saturating_sub(before.cpu).as_secs_f64();
        Ok((wall > 0.0).then(|| used * 100.0 / wall))
    }
}

/// A process that lives, open, so that what is read is of this process and of no later one.
fn look(id: ProcessId) -> Result<(ProcessId, Process), Lifeless> {
    let process = Process::new(id.pid).map_err(lifeless)?;
    let stat: Stat = process.stat().map_err(lifeless)?;
    if stat.starttime != id.start_time {
        return Err(Lifeless::Target("gone".to_owned()));
    }
    match stat.state {
        'Z' | 'X' | 'x' => Err(Lifeless::Target("gone, a zombie".to_owned())),
        'T' | 't' => Err(Lifeless::Target("stopped".to_owned())),
        _ => Ok((id, process)),
    }
}

fn lifeless(error: ProcError) -> Lifeless {
    match error {
        ProcError::NotFound(_) => Lifeless::Target("gone".to_owned()),
        ProcError::Io(error, _) if error.raw_os_error() == Some(nix::libc::ESRCH) => {
            Lifeless::Target("gone".to_owned())
        }
        error => Lifeless::Ours(error.to_string()),
    }
}

/// A process that went between two looks has no figure; anything else cannot be measured.
fn gone(error: ProcError) -> Result<Option<f64>, String> {
    match lifeless(error) {
        Lifeless::Target(_) => Ok(None),
        Lifeless::Ours(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::rc::Rc;

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, waitpid};

    use super::*;
    use crate::sample::SampleOutcome;

    /// A child that is killed, and waited for, at the end.
    struct Sleeper(Child);

    impl Sleeper {
        fn start() -> Self {
            Self(Command::new("sleep").arg("600").spawn().expect("a child"))
        }

        fn pid(&self) -> Pid {
            Pid::from_raw(i32::try_from(self.0.id()).expect("a pid"))
        }

        fn id(&self) -> ProcessId {
            let stat = Process::new(self.pid().as_raw()).and_then(|process| process.stat());
            ProcessId { pid: self.pid().as_raw(), start_time: stat.expect("it lives").starttime }
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn check(yaml: &str, process: Option<ProcessId>) -> ProcessCheck {
        let surroundings = Surroundings {
            service: Rc::new(move |name| process.filter(|_| name == "web")),
            select: Rc::new(move |_| process.into_iter().collect()),
            ..Surroundings::default()
        };
        let probe: ProcessProbe = super::super::fixture::parse(yaml);
        ProcessCheck::new(&probe, &surroundings).expect("a check")
    }

    #[test]
    fn a_process_lives_stops_and_ends() {
        let mut sleeper = Sleeper::start();
        let alive = check("{ service: web }", Some(sleeper.id()));
        assert_eq!(alive.measure(), Reading::ok().with_value(1.0));
        kill(sleeper.pid(), Signal::SIGSTOP).expect("ours");
        waitpid(sleeper.pid(), Some(WaitPidFlag::WUNTRACED)).expect("ours");
        let stopped = Reading::violated("service web is stopped").with_value(0.0);
        assert_eq!(alive.measure(), stopped);
        sleeper.0.kill().expect("ours");
        sleeper.0.wait().expect("ours");
        assert_eq!(alive.measure(), Reading::violated("service web is gone").with_value(0.0));
    }

    #[test]
    fn a_later_process_with_the_same_number_is_another() {
        let sleeper = Sleeper::start();
        let id = ProcessId { start_time: sleeper.id().start_time + 1, ..sleeper.id() };
        let detail = check("{ service: web }", Some(id)).measure().detail;
        assert_eq!(detail.as_deref(), Some("service web is gone"));
    }

    #[test]
    fn all_services_and_any_match_must_live() {
        let sleeper = Sleeper::start();
        let both = check("{ service: [web, db] }", Some(sleeper.id())).measure();
        assert_eq!(both, Reading::violated("service db is gone").with_value(1.0));
        let any = check("{ select: { name: sleep } }", Some(sleeper.id())).measure();
        assert_eq!(any, Reading::ok().with_value(1.0));
        let none = check("{ select: { name: sleep } }", None).measure();
        assert_eq!(none, Reading::violated("no process matches").with_value(0.0));
    }

    #[test]
    fn figures_are_those_of_the_process() {
        let sleeper = Sleeper::start();
        let value = |metric: &str| {
            check(&format!("{{ service: web, metric: {metric} }}"), Some(sleeper.id()))
                .measure()
                .value
        };
        assert!(value("open-files").is_some_and(|count| count >= 3.0));
        let cpu = check("{ service: web, metric: cpu }", Some(sleeper.id()));
        assert_eq!(cpu.measure(), Reading::ok(), "nothing to compare with yet");
        let second = cpu.measure();
        assert_eq!(second.outcome, SampleOutcome::Ok);
        assert!(second.value.is_some_and(|percent| (0.0..=100.0).contains(&percent)));
    }

    #[test]
    fn this_process_uses_memory_and_processor_time() {
        let me = Process::myself().and_then(|process| process.stat()).expect("we live");
        let id = ProcessId { pid: me.pid, start_time: me.starttime };
        let memory = check("{ service: web, metric: rss }", Some(id)).measure();
        assert!(memory.value.is_some_and(|bytes| bytes > 1e6), "{memory:?}");
        let cpu = check("{ service: web, metric: cpu }", Some(id));
        cpu.measure();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(20) {}
        assert!(cpu.measure().value.is_some_and(|percent| percent > 10.0));
    }
}
