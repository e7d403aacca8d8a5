//! How this kernel wants to be spoken to, found out by trying in a scratch namespace, once.

use std::sync::OnceLock;

use anyhow::Result;

use super::super::netlink::NetlinkError;
use super::super::{Namespace, Support};
use super::batch::Batch;
use super::compile::compile;
use super::expression::QueueBy;
use super::owned_table::open;
use super::plan::{Action, CgroupPath, Plan};
use super::program::Program;
use super::table::Table;
use crate::act::{Flow, Hook, Traffic};

/// How a kernel wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Whether it has sets whose elements end.
    pub(super) leased: bool,
    /// How it knows a queue of user space.
    pub(super) queue: QueueBy,
    /// Whether what is sent vanishes in a queue that nobody reads, see [`super::NOBODY`].
    pub(super) silent: bool,
}

impl Dialect {
    /// What every kernel understands that has tables at all.
    pub(super) const PLAIN: Self =
        Self { leased: false, queue: QueueBy::Expression, silent: false };

    /// That of this kernel.
    pub(super) fn here() -> Result<Self> {
        static HERE: OnceLock<Dialect> = OnceLock::new();
        if let Some(known) = HERE.get() {
            return Ok(*known);
        }
        let namespace = Namespace::create()?;
        let queue = Action::Queue { ingress: 0, egress: 0 };
        let has = |action, dialect| -> Result<bool> {
            Ok(attempt(&namespace, &trial(action, Hook::Ingress, None, dialect))?.is_supported())
        };
        let target = Self { queue: QueueBy::Target, ..Self::PLAIN };
        let by_expression = has(queue, Self::PLAIN)?;
        let silent = by_expression || has(queue, target)?;
        let queue = if by_expression { QueueBy::Expression } else { QueueBy::Target };
        let leased = has(Action::Drop, Self { leased: true, ..Self::PLAIN })?;
        Ok(*HERE.get_or_init(|| Self { leased, queue, silent }))
    }
}

/// The tables of an action on everything that goes this way on `lo`.
pub(super) fn trial(
    action: Action,
    hook: Hook,
    cgroup: Option<&CgroupPath>,
    dialect: Dialect,
) -> Vec<Table> {
    let wires = ["lo".to_owned()];
    let (flow, interfaces) = (Flow::default(), wires.to_vec());
    let traffic = Traffic { hooks: vec![hook], flow, except: Vec::new(), interfaces };
    compile(&Plan { traffic: &traffic, action, cgroup, skip_mark: None }, &wires, dialect)
}

/// Whether the kernel takes these tables.
pub(super) fn attempt(namespace: &Namespace, tables: &[Table]) -> Result<Support> {
    // A socket for each attempt: with it go the tables.
    let netlink = open(namespace)?;
    let mut program = Program::new(Batch::new(&netlink), "trial");
    for table in tables {
        program.create(table);
    }
    match program.finish().commit() {
        Ok(()) => Ok(Support::Supported),
        Err(NetlinkError::Refused(refusal)) => Ok(Support::Missing { reason: refusal.to_string() }),
        Err(error) => Err(error.into()),
    }
}
