//! The fields of a selector, each a question about one process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use super::socket::{self, Socket};
use super::table::Row;
use super::user::Users;
use super::{cgroup, read};
use crate::act::NamespaceId;
use crate::error::Result;
use crate::spec::ProcessSelector;

/// One field of a selector and the value it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    Pid(i32),
    Name(String),
    Parent(i32),
    User { given: String, uid: u32 },
    Exe(PathBuf),
    Token(String),
    Unit(String),
    Cgroup(String),
    Port(u16),
}

/// What was read for one question and serves the next.
#[derive(Debug, Default)]
pub(super) struct Cache {
    sockets: RefCell<HashMap<NamespaceId, Vec<Socket>>>,
}

/// The fields that a selector gives, those that cost least first.
pub(super) fn criteria(selector: &ProcessSelector, users: &Users) -> Result<Vec<Criterion>> {
    let user =
        |given: &String| users.uid(given).map(|uid| Criterion::User { given: given.clone(), uid });
    let user = selector.user.as_ref().map(user).transpose()?;
    Ok([
        selector.pid.map(Criterion::Pid),
        selector.name.clone().map(Criterion::Name),
        selector.parent.map(Criterion::Parent),
        user,
        selector.exe.clone().map(Criterion::Exe),
        selector.token.clone().map(Criterion::Token),
        selector.unit.clone().map(Criterion::Unit),
        selector.cgroup.clone().map(Criterion::Cgroup),
        selector.port.map(Criterion::Port),
    ]
    .into_iter()
    .flatten()
    .collect())
}

impl Criterion {
    /// Whether the process has the value.
    pub(super) fn holds(&self, row: &Row, cache: &Cache) -> bool {
        let pid = row.id.pid;
        match self {
            Self::Pid(wanted) => *wanted == pid,
            Self::Name(wanted) => *wanted == row.name,
            Self::Parent(wanted) => *wanted == row.parent,
            Self::User { uid, .. } => read::status(pid).is_some_and(|status| status.uid == *uid),
            Self::Exe(wanted) => read::exe(pid).as_ref() == Some(wanted),
            Self::Token(wanted) => read::command(pid).contains(wanted),
            Self::Unit(wanted) => cgroup::unit(&read::cgroups(pid)).as_ref() == Some(wanted),
            Self::Cgroup(wanted) => read::cgroups(pid).contains(wanted),
            Self::Port(wanted) => cache.ports(pid).contains(wanted),
        }
    }

    /// The field as the file has it, such as `name: redis`.
    pub(super) fn as_written(&self) -> String {
        match self {
            Self::Pid(wanted) => format!("pid: {wanted}"),
            Self::Name(wanted) => format!("name: {wanted}"),
            Self::Parent(wanted) => format!("parent: {wanted}"),
            Self::User { given, .. } => format!("user: {given}"),
            Self::Exe(wanted) => format!("exe: {}", wanted.display()),
            Self::Token(wanted) => format!("token: {wanted}"),
            Self::Unit(wanted) => format!("unit: {wanted}"),
            Self::Cgroup(wanted) => format!("cgroup: {wanted}"),
            Self::Port(wanted) => format!("port: {wanted}"),
        }
    }

    /// The same field of a process, such as `name: valkey`, to tell what it is instead.
    pub(super) fn found(&self, row: &Row, users: &Users, cache: &Cache) -> String {
        let pid = row.id.pid;
        let none = || "none".to_owned();
        match self {
            Self::Pid(_) => format!("pid: {pid}"),
            Self::Name(_) => format!("name: {}", row.name),
            Self::Parent(_) => format!("parent: {}", row.parent),
            Self::User { .. } => {
                format!("user: {}", read::status(pid).map_or_else(none, |it| users.name(it.uid)))
            }
            Self::Exe(_) => {
                format!("exe: {}", read::exe(pid).map_or_else(none, |it| it.display().to_string()))
            }
            Self::Token(_) => format!("command line: {}", read::command(pid).join(" ")),
            Self::Unit(_) => {
                format!("unit: {}", cgroup::unit(&read::cgroups(pid)).unwrap_or_else(none))
            }
            Self::Cgroup(_) => format!("cgroup: {}", listed(&read::cgroups(pid))),
            Self::Port(_) => {
                let ports = cache.ports(pid);
                let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
                format!("listens on: {}", listed(&ports))
            }
        }
    }

    /// Whether only the owner of a process, or root, can see the field.
    pub(super) const fn is_private(&self) -> bool {
        matches!(self, Self::Exe(_) | Self::Port(_))
    }
}

fn listed(values: &[String]) -> String {
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

impl Cache {
    /// The ports a process listens on; the tables of each network namespace are read once.
    fn ports(&self, pid: i32) -> Vec<u16> {
        let inodes = socket::inodes(pid);
        let namespace = read::namespaces(pid).net;
        let (false, Some(namespace)) = (inodes.is_empty(), namespace) else { return Vec::new() };
        let mut known = self.sockets.borrow_mut();
        let sockets = known.entry(namespace).or_insert_with(|| socket::of_namespace(pid));
        socket::listening_ports(sockets, &inodes)
    }
}
