//! What a selector matches on this host now.

use super::criterion::{self, Cache, Criterion};
use super::protection::Protection;
use super::table::{ProcessTable, Row};
use super::user::Users;
use super::{Process, Why, miss, read};
use crate::act::ProcessId;
use crate::error::{Error, Result};
use crate::spec::ProcessSelector;

/// The processes that a selector matches, in a stable order: by name, start, number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that a fault may have.
    pub matched: Vec<Process>,
    /// Those that match and are left out all the same.
    pub rejected: Vec<(Process, Why)>,
}

/// All that one selection reads once.
pub(super) struct Search<'a> {
    pub(super) users: Users,
    pub(super) cache: Cache,
    protection: Protection<'a>,
}

/// Finds the processes that have every value the selector gives, and none of `except`. `agents`
/// are processes to protect beside those that are always protected. A match of nothing is an
/// error that tells the nearest misses.
pub fn select(
    selector: &ProcessSelector,
    except: Option<&ProcessSelector>,
    agents: &[i32],
) -> Result<Selection> {
    let users = Users::read();
    let search = Search { users, cache: Cache::default(), protection: Protection::read(agents)? };
    let criteria = criterion::criteria(selector, &search.users)?;
    if criteria.is_empty() {
        return Err(nothing_said("process"));
    }
    let except = except.map(|except| criterion::criteria(except, &search.users)).transpose()?;
    if except.as_ref().is_some_and(Vec::is_empty) {
        return Err(nothing_said("except"));
    }
    let table = match selector.pid {
        Some(pid) => ProcessTable::read_one(pid)?,
        None => ProcessTable::read()?,
    };
    let mut selection = search.sift(&table, &criteria, except.as_deref());
    if selection.matched.is_empty() {
        return Err(miss::explain(&search, &table, &criteria, &selection));
    }
    selection.matched.sort_by(|one, other| one.order().cmp(&other.order()));
    selection.rejected.sort_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
    Ok(selection)
}

/// The processes that a selector matches, for whoever only looks: also those that no fault may
/// have, such as PID 1, but for zombies. None where nothing can be read.
#[must_use]
pub fn watched(selector: &ProcessSelector) -> Vec<ProcessId> {
    let look = || -> Result<Selection> {
        let users = Users::read();
        let search = Search { users, cache: Cache::default(), protection: Protection::read(&[])? };
        let criteria = criterion::criteria(selector, &search.users)?;
        let table = match selector.pid {
            Some(pid) => ProcessTable::read_one(pid)?,
            None => ProcessTable::read()?,
        };
        Ok(search.sift(&table, &criteria, None))
    };
    let Selection { matched, rejected } = look().unwrap_or_default();
    let shy = rejected.into_iter().filter(|(_, why)| *why != Why::Zombie);
    matched.into_iter().chain(shy.map(|(process, _)| process)).map(|process| process.id).collect()
}

impl Search<'_> {
    fn sift(
        &self,
        table: &ProcessTable,
        criteria: &[Criterion],
        except: Option<&[Criterion]>,
    ) -> Selection {
        let mut selection = Selection::default();
        for row in table.rows().iter().filter(|row| self.all_hold(criteria, row)) {
            let excepted = || except.filter(|except| self.all_hold(except, row));
            let why = self.protection.of(row).or_else(|| excepted().map(|_| Why::Excepted));
            match (read::process(row, &self.users), why) {
                (Some(process), None) => selection.matched.push(process),
                (Some(process), Some(why)) => selection.rejected.push((process, why)),
                // It vanished.
                (None, _) => {}
            }
        }
        selection
    }

    fn all_hold(&self, criteria: &[Criterion], row: &Row) -> bool {
        criteria.iter().all(|criterion| criterion.holds(row, &self.cache))
    }
}

fn nothing_said(field: &str) -> Error {
    Error::usage(format!("`{field}:` says nothing about the processes it means"))
        .hint("give at least one of pid, name, exe, token, user, port, cgroup, unit, parent")
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    use nix::unistd::Pid;
    use serde_json::json;

    use super::*;

    /// A child that sleeps, and is killed and reaped at the end of the test.
    struct Sleeper(Child);

    impl Sleeper {
        fn start(seconds: &str) -> Self {
            Self::spawn(Command::new("sleep").arg(seconds))
        }

        fn spawn(command: &mut Command) -> Self {
            Self(command.stdin(Stdio::null()).spawn().unwrap())
        }

        fn pid(&self) -> i32 {
            self.0.id().cast_signed()
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// An argument for `sleep` that no other process on the host has.
    fn unique(seconds: u32) -> String {
        format!("{seconds}.{}", std::process::id())
    }

    fn found(selector: serde_json::Value) -> Result<Selection> {
        select(&serde_json::from_value(selector).unwrap(), None, &[])
    }

    fn refusal(selector: serde_json::Value) -> String {
        let error = found(selector).unwrap_err();
        format!("{error}\n{}", error.hints().join("\n"))
    }

    fn pids(selection: &Selection) -> Vec<i32> {
        selection.matched.iter().map(|process| process.id.pid).collect()
    }

    #[test]
    fn who_only_looks_may_see_ancestors() {
        let parent = nix::unistd::getppid().as_raw();
        let selector = serde_json::from_value(json!({ "pid": parent })).unwrap();
        let seen: Vec<i32> = watched(&selector).into_iter().map(|id| id.pid).collect();
        assert_eq!(seen, [parent]);
        assert!(found(json!({ "pid": parent })).is_err(), "no fault may have it");
    }

    #[test]
    fn every_field_must_match() {
        let token = unique(86391);
        let sleeper = Sleeper::start(&token);
        let pid = sleeper.pid();
        let ours = std::process::id();
        let uid = nix::unistd::geteuid().as_raw().to_string();
        let all = json!({"name": "sleep", "token": token, "parent": ours, "user": uid});
        assert_eq!(pids(&found(all).unwrap()), [pid]);
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        assert_eq!(pids(&found(json!({"exe": exe, "parent": ours, "pid": pid})).unwrap()), [pid]);
        let text = refusal(json!({"token": token, "name": "snooze"}));
        insta::assert_snapshot!(text.replace(&token, "TOKEN").replace(&pid.to_string(), "PID"), @r"
        no process matches `{ name: snooze, token: TOKEN }`
        process PID matches all but `name: snooze`: name: sleep
        ");
    }

    #[test]
    fn tokens_are_whole_words() {
        let token = unique(86392);
        let _longer = Sleeper::start(&format!("{token}0"));
        let exact = Sleeper::start(&token);
        assert_eq!(pids(&found(json!({"token": token})).unwrap()), [exact.pid()]);
    }

    #[test]
    fn the_whole_of_a_process_is_read() {
        let token = unique(86393);
        let sleeper = Sleeper::start(&token);
        let selection = found(json!({"pid": sleeper.pid()})).unwrap();
        let process = &selection.matched[0];
        assert_eq!(process.command, ["sleep", &token]);
        assert_eq!(process.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(process.namespace_pids.first(), Some(&sleeper.pid()));
        assert_eq!(process.tracer, None);
    }

    #[test]
    fn whoever_runs_this_is_never_a_target() {
        let itself = std::process::id();
        let refused = refusal(json!({"pid": itself}));
        assert!(refused.contains("is this shakedown itself; it is never a target"), "{refused}");
        let parent = std::os::unix::process::parent_id();
        assert!(refusal(json!({"pid": parent})).contains("is an ancestor of this shakedown"));
        assert!(refusal(json!({"pid": 1})).contains("(pid 1) is PID 1; it is never a target"));
    }

    #[test]
    fn agents_are_left_out_by_marker_and_by_number() {
        let token = unique(86394);
        let mut command = Command::new("sleep");
        let marked = Sleeper::spawn(command.arg(&token).env("SHAKEDOWN_AGENT", "1"));
        let listed = Sleeper::start(&token);
        let plain = Sleeper::start(&token);
        let selector = serde_json::from_value(json!({"token": token})).unwrap();
        let selection = select(&selector, None, &[listed.pid()]).unwrap();
        assert_eq!(pids(&selection), [plain.pid()]);
        let whys: Vec<Why> = selection.rejected.iter().map(|(_, why)| *why).collect();
        assert_eq!(whys, [Why::Tool, Why::Tool]);
        assert!(refusal(json!({"pid": marked.pid()})).contains("belongs to shakedown"));
    }

    #[test]
    fn except_removes() {
        let token = unique(86395);
        let (one, other) = (Sleeper::start(&token), Sleeper::start(&token));
        let selector = serde_json::from_value(json!({"token": token})).unwrap();
        let except = serde_json::from_value(json!({"pid": one.pid()})).unwrap();
        let selection = select(&selector, Some(&except), &[]).unwrap();
        assert_eq!(pids(&selection), [other.pid()]);
        assert_eq!(selection.rejected[0].1, Why::Excepted);
        let error = select(&selector, Some(&selector), &[]).unwrap_err();
        let error = error.to_string().replace(&token, "TOKEN");
        insta::assert_snapshot!(error, @"no process may be a target of `{ token: TOKEN }`: all 2 that match are left out");
    }

    #[test]
    fn a_zombie_is_no_target() {
        let dead = Sleeper::start("0");
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(Pid::from_raw(dead.pid())), flags).unwrap();
        assert!(refusal(json!({"pid": dead.pid()})).contains("is a zombie; it is never a target"));
    }

    #[test]
    fn a_listening_port_finds_its_owner() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(refusal(json!({"port": port})).contains("is this shakedown itself"));
    }

    #[test]
    fn no_match_is_an_error_that_helps() {
        let token = unique(86396);
        let _sleeper = Sleeper::start(&token);
        insta::assert_snapshot!(refusal(json!({"pid": i32::MAX})), @"there is no process 2147483647 on this host");
        insta::assert_snapshot!(refusal(json!({"name": "a-name-too-long-for-linux"})), @r"
        no process matches `{ name: a-name-too-long-for-linux }`
        the kernel cuts names after 15 bytes; try `name: a-name-too-long`
        ");
        assert!(refusal(json!({"name": "slep"})).contains("a process is named `sleep`"));
        insta::assert_snapshot!(refusal(json!({})), @r"
        `process:` says nothing about the processes it means
        give at least one of pid, name, exe, token, user, port, cgroup, unit, parent
        ");
    }

    #[test]
    fn candidates_are_in_a_stable_order() {
        let token = unique(86397);
        let sleepers: Vec<Sleeper> = (0..5).map(|_| Sleeper::start(&token)).collect();
        let selection = found(json!({"token": token})).unwrap();
        assert!(
            selection.matched.is_sorted_by_key(|process| (process.id.start_time, process.id.pid))
        );
        assert_eq!(selection.matched.len(), sleepers.len());
    }
}
