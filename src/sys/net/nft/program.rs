//! A whole table with its chains, sets and rules, put into one batch.

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::super::attribute::Attributes;
use super::batch::{Batch, Kind};
use super::expression::{ANONYMOUS, Expression, list};
use super::filter::{Step, discovery, drops};
use super::interval::Set;
use crate::act::{FilterRule, Hook};

/// `NFT_TABLE_F_OWNER`.
pub(super) const OWNER: u32 = 2;
/// `NFTA_TABLE_NAME`, `NFTA_TABLE_FLAGS`, `NFTA_TABLE_USERDATA`.
const TABLE_NAME: u16 = 1;
const TABLE_FLAGS: u16 = 2;
const TABLE_USERDATA: u16 = 6;
/// `NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL`.
const SET_FLAGS: u32 = 1 | 2 | 4;
/// Before everything that others usually have here, also before a flowtable, which would take
/// packets past us.
const PRIORITY: i32 = -500;

/// What nft prints as the table's comment, and how we know a table of ours.
const COMMENT: &str = "shakedown";

/// The comment as nft keeps it: type `NFTNL_UDATA_TABLE_COMMENT` (0), length, text with its NUL.
pub(super) fn mark() -> Vec<u8> {
    let length = u8::try_from(COMMENT.len() + 1).unwrap_or(u8::MAX);
    [&[0, length], COMMENT.as_bytes(), &[0]].concat()
}

/// What identifies a table.
pub(super) fn named(table: &str) -> Attributes {
    Attributes::new().text(TABLE_NAME, table)
}

/// A batch being filled with one table.
pub(super) struct Program<'a> {
    batch: Batch<'a>,
    table: &'a str,
    sets: u32,
}

impl<'a> Program<'a> {
    /// Begins with a new table that the batch's socket owns.
    pub(super) fn new(mut batch: Batch<'a>, table: &'a str) -> Self {
        let attributes = named(table).be32(TABLE_FLAGS, OWNER).bytes(TABLE_USERDATA, &mark());
        batch.push(Kind::NewTable, NLM_F_CREATE | NLM_F_EXCL, &attributes);
        Self { batch, table, sets: 0 }
    }

    /// Adds a chain for each hook that rules are about, and the rules.
    pub(super) fn fill(mut self, rules: &[FilterRule], interfaces: &[String]) -> Batch<'a> {
        for hook in [Hook::Ingress, Hook::Egress] {
            let mut rules = rules.iter().filter(|rule| rule.hook == hook).peekable();
            if rules.peek().is_none() {
                continue;
            }
            self.chain(hook, interfaces);
            self.rule(hook, discovery());
            rules.flat_map(drops).for_each(|steps| self.rule(hook, steps));
        }
        self.batch
    }

    /// Adds an empty base chain.
    pub(super) fn chain(&mut self, hook: Hook, interfaces: &[String]) {
        let devices =
            interfaces.iter().fold(Attributes::new(), |devices, name| devices.text(1, name));
        // NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY, NFTA_HOOK_DEVS.
        let place = Attributes::new()
            .be32(1, number(hook))
            .bytes(2, &PRIORITY.to_be_bytes())
            .nest(4, &devices);
        // NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_TYPE.
        let chain = Attributes::new()
            .text(1, self.table)
            .text(3, name(hook))
            .nest(4, &place)
            .text(7, "filter");
        self.batch.push(Kind::NewChain, NLM_F_CREATE | NLM_F_EXCL, &chain);
    }

    /// The batch as it is now.
    pub(super) fn finish(self) -> Batch<'a> {
        self.batch
    }

    fn rule(&mut self, hook: Hook, steps: Vec<Step>) {
        let expressions: Vec<Expression> = steps
            .into_iter()
            .map(|step| match step {
                Step::Plain(expression) => expression,
                Step::In(set) => Expression::In(self.set(&set)),
            })
            .collect();
        // NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS.
        let rule =
            Attributes::new().text(1, self.table).text(2, name(hook)).nest(4, &list(&expressions));
        self.batch.push(Kind::NewRule, NLM_F_CREATE | NLM_F_APPEND, &rule);
    }

    /// Adds a set and returns its number within the batch.
    fn set(&mut self, set: &Set) -> u32 {
        self.sets += 1;
        let number = self.sets;
        // NFTA_SET_TABLE, _NAME, _FLAGS, _KEY_TYPE, _KEY_LEN, _ID.
        let head = Attributes::new()
            .text(1, self.table)
            .text(2, ANONYMOUS)
            .be32(3, SET_FLAGS)
            .be32(4, set.key.data_type())
            .be32(5, set.key.length().into())
            .be32(10, number);
        self.batch.push(Kind::NewSet, NLM_F_CREATE, &head);
        for elements in set.elements() {
            // NFTA_SET_ELEM_LIST_TABLE, _SET, _ELEMENTS, _SET_ID.
            let list = Attributes::new()
                .text(1, self.table)
                .text(2, ANONYMOUS)
                .nest(3, &elements)
                .be32(4, number);
            self.batch.push(Kind::NewSetElements, NLM_F_CREATE, &list);
        }
        number
    }
}

/// `NF_NETDEV_INGRESS` and `NF_NETDEV_EGRESS` (linux/netfilter.h).
const fn number(hook: Hook) -> u32 {
    match hook {
        Hook::Ingress => 0,
        Hook::Egress => 1,
    }
}

/// The chain's name.
const fn name(hook: Hook) -> &'static str {
    match hook {
        Hook::Ingress => "ingress",
        Hook::Egress => "egress",
    }
}
