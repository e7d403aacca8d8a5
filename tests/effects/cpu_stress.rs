//! `cpu-stress`: workers that burn what was asked, where the target could have burnt it itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::injection::Injection;
use super::oracle::{descendants, eventually, field, groups, lives};
use super::target::Target;
use crate::support::{skip, skip_unless_root};

fn workers(stress: &Injection) -> Vec<i32> {
    descendants(stress.pid(), "stress-worker")
}

/// Processor time so far, of which `/proc/PID/stat` counts hundredths of a second.
fn burnt(pid: i32) -> f64 {
    let stat = PathBuf::from(format!("/proc/{pid}/stat"));
    let ticks = |number| field(&stat, number).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).expect("it lives") + ticks(12).expect("it lives")) / 100.0
}

/// Seconds that it could have run, and others did (sched-stats.rst).
fn waited(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("it lives");
    let nanos = text.split(' ').nth(1).and_then(|field| field.parse::<f64>().ok());
    nanos.expect("a number") / 1e9
}

#[test]
fn half_a_processor_is_half_a_processor() {
    let target = Target::sleeper();
    let stress = Injection::start(&["cpu-stress", "--pid", target.arg(), "load=50%", "cores=1"]);
    let worker = <[i32; 1]>::try_from(workers(&stress)).expect("one worker")[0];
    let (began, before) = (Instant::now(), (burnt(worker), waited(worker)));
    std::thread::sleep(Duration::from_secs(1));
    let seconds = began.elapsed().as_secs_f64();
    let share = (burnt(worker) - before.0) / seconds;
    let kept_waiting = (waited(worker) - before.1) / seconds;
    println!("asked 50%, burnt {:.1}%, kept waiting {:.1}%", share * 100.0, kept_waiting * 100.0);
    // On a machine that is busy it gets less than it asks for.
    assert!(share < 0.6 && share + kept_waiting > 0.4, "{share} {kept_waiting}");
    let proofs = stress.stop().proofs();
    assert!(proofs[0].starts_with("1 of 1 workers burn "), "{proofs:?}");
    assert!(!lives(worker));
}

#[test]
fn workers_keep_to_the_targets_processors() {
    let mut all = sched_getaffinity(Pid::from_raw(0)).expect("it can be read");
    let mine: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| all.is_set(*cpu).unwrap_or(false)).collect();
    if mine.len() < 2 {
        return skip("needs two processors");
    }
    let target = Target::sleeper();
    all.unset(mine[0]).expect("it is one of them");
    sched_setaffinity(Pid::from_raw(target.pid()), &all).expect("it is our child");
    let stress = Injection::start(&["cpu-stress", "--pid", target.arg(), "load=5%"]);
    let workers = workers(&stress);
    assert_eq!(workers.len(), mine.len() - 1, "`cores` is all that the target may use");
    for worker in workers {
        assert_eq!(sched_getaffinity(Pid::from_raw(worker)), Ok(all));
    }
    stress.stop().proofs();
}

#[test]
fn workers_end_with_their_agent() {
    let target = Target::sleeper();
    let mut stress = Injection::start(&["cpu-stress", "--pid", target.arg(), "load=5%", "cores=2"]);
    let workers = workers(&stress);
    assert_eq!(workers.len(), 2);
    let agent = <[i32; 1]>::try_from(descendants(stress.pid(), "agent")).expect("one agent")[0];
    kill(Pid::from_raw(agent), Signal::SIGKILL).expect("it lives");
    eventually("the workers end", || workers.iter().all(|worker| !lives(*worker)));
    stress.await_line("agent");
    let run = stress.finish();
    assert_ne!(run.code, Some(0), "{}", run.told);
}

/// A control group of version 1 for a test; it must be empty again when this is dropped.
struct Group(PathBuf);

impl Group {
    fn new(controller: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let name = format!("effects-{}", std::process::id());
        let group = Self(Path::new("/sys/fs/cgroup").join(controller).join(name));
        fs::create_dir(&group.0).ok()?;
        let set = |(name, value): &(&str, &str)| fs::write(group.0.join(name), value).is_ok();
        settings.iter().all(set).then_some(group)
    }

    fn adopt(&self, target: &Target) {
        fs::write(self.0.join("cgroup.procs"), target.arg()).expect("root may");
    }

    fn throttled(&self) -> u64 {
        let text = fs::read_to_string(self.0.join("cpu.stat")).expect("it is there");
        let line = text.lines().find_map(|line| line.strip_prefix("nr_throttled "));
        line.and_then(|count| count.parse().ok()).expect("a number")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn workers_live_under_the_targets_quota() {
    if skip_unless_root() {
        return;
    }
    let quota = [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "50000")];
    let (Some(cpu), Some(set)) = (
        Group::new("cpu", &quota),
        Group::new("cpuset", &[("cpuset.cpus", "0"), ("cpuset.mems", "0")]),
    ) else {
        return skip("needs the controllers cpu and cpuset of version 1");
    };
    let target = Target::sleeper();
    cpu.adopt(&target);
    set.adopt(&target);
    let before = (cpu.throttled(), groups(target.pid()));
    let stress = Injection::start(&["cpu-stress", "--pid", target.arg(), "cores=all"]);
    let worker = <[i32; 1]>::try_from(workers(&stress)).expect("one worker")[0];
    assert_eq!(groups(worker), before.1);
    eventually("the worker is throttled", || cpu.throttled() > before.0 + 1);
    let (began, first) = (Instant::now(), burnt(worker));
    std::thread::sleep(Duration::from_millis(500));
    let share = (burnt(worker) - first) / began.elapsed().as_secs_f64();
    println!("asked 100% under a quota of 50%, burnt {:.1}%", share * 100.0);
    assert!(share < 0.65, "{share}");
    stress.stop().proofs();
    assert!(!lives(worker));
    assert_eq!(groups(target.pid()), before.1);
}

/// What `taskset` says is what counts.
#[test]
fn taskset_agrees() {
    let target = Target::sleeper();
    let Ok(output) = Command::new("taskset").args(["-cp", "0", target.arg()]).output() else {
        return skip("taskset is not installed");
    };
    if !output.status.success() {
        return skip("the first processor is not ours");
    }
    let stress = Injection::start(&["cpu-stress", "--pid", target.arg(), "load=5%"]);
    let worker = <[i32; 1]>::try_from(workers(&stress)).expect("one worker")[0];
    let shown = Command::new("taskset").args(["-cp", &worker.to_string()]).output();
    let shown = String::from_utf8(shown.expect("it is installed").stdout).expect("text");
    assert!(shown.ends_with("list: 0\n"), "{shown}");
    stress.stop().proofs();
}
