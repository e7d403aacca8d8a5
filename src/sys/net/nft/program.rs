//! Tables with their chains, sets and rules, put into one batch.

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::super::attribute::Attributes;
use super::batch::{Batch, Kind};
use super::expression::{ANONYMOUS, COUNTER, Expression, list};
use super::flow::Step;
use super::interval::Set;
use super::lease;
use super::table::{Chain, ChainKind, Family, Place, Table};

/// `NFT_TABLE_F_OWNER`.
const OWNER: u32 = 2;
/// `NFTA_TABLE_NAME`, `NFTA_TABLE_FLAGS`, `NFTA_TABLE_USERDATA`.
const TABLE_NAME: u16 = 1;
const TABLE_FLAGS: u16 = 2;
const TABLE_USERDATA: u16 = 6;
/// `NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL`.
const SET_FLAGS: u32 = 1 | 2 | 4;

/// What nft prints as the table's comment, and how we know a table of ours.
const COMMENT: &str = "shakedown";

/// The comment as nft keeps it: type `NFTNL_UDATA_TABLE_COMMENT` (0), length, text with its NUL.
pub(super) fn mark() -> Vec<u8> {
    let length = u8::try_from(COMMENT.len() + 1).unwrap_or(u8::MAX);
    [&[0, length], COMMENT.as_bytes(), &[0]].concat()
}

/// Has the batch delete a table.
pub(super) fn delete(batch: &mut Batch<'_>, family: Family, table: &str) {
    let named = Attributes::new().text(TABLE_NAME, table);
    batch.push(family, Kind::DeleteTable, 0, &named);
}

/// A batch being filled with tables of one name.
pub(super) struct Program<'a> {
    batch: Batch<'a>,
    name: &'a str,
    sets: u32,
}

impl<'a> Program<'a> {
    pub(super) const fn new(batch: Batch<'a>, name: &'a str) -> Self {
        Self { batch, name, sets: 0 }
    }

    /// The batch as it is now.
    pub(super) fn finish(self) -> Batch<'a> {
        self.batch
    }

    /// Adds a new table that the batch's socket owns, with everything in it.
    pub(super) fn create(&mut self, table: &Table) {
        let family = table.family;
        let attributes = Attributes::new()
            .text(TABLE_NAME, self.name)
            .be32(TABLE_FLAGS, OWNER)
            .bytes(TABLE_USERDATA, &mark());
        self.batch.push(family, Kind::NewTable, NLM_F_CREATE | NLM_F_EXCL, &attributes);
        if table.is_leased() {
            lease::declare(&mut self.batch, family, self.name);
            lease::renew(&mut self.batch, family, self.name);
        }
        for counter in table.counters() {
            self.counter(family, counter);
        }
        table.chains.iter().for_each(|chain| self.chain(family, chain));
        table.chains.iter().for_each(|chain| self.rules(family, chain));
    }

    /// Makes one state of a table another. Chains that are the same are not touched, and no
    /// counter is; what changes does so at one moment.
    pub(super) fn change(&mut self, old: &Table, new: &Table) {
        let family = new.family;
        let same = |chain: &Chain| new.chains.contains(chain);
        let old_place = |chain: &Chain| {
            old.chains.iter().find(|old| old.name == chain.name).map(|old| &old.place)
        };
        let stays = |chain: &Chain| {
            new.chains
                .iter()
                .any(|new| Some(&new.place) == old_place(chain) && new.name == chain.name)
        };
        for chain in old.chains.iter().filter(|chain| !same(chain)) {
            self.batch.push(family, Kind::DeleteRule, 0, &self.within(chain.name));
        }
        for chain in old.chains.iter().filter(|chain| !stays(chain)) {
            // NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME.
            let named = Attributes::new().text(1, self.name).text(3, chain.name);
            self.batch.push(family, Kind::DeleteChain, 0, &named);
        }
        let known = old.counters();
        for counter in new.counters().iter().filter(|counter| !known.contains(counter)) {
            self.counter(family, counter);
        }
        let changed = new.chains.iter().filter(|chain| !old.chains.contains(chain));
        for chain in changed.clone().filter(|chain| !stays(chain)) {
            self.chain(family, chain);
        }
        changed.for_each(|chain| self.rules(family, chain));
    }

    fn counter(&mut self, family: Family, name: &str) {
        // NFTA_COUNTER_BYTES, NFTA_COUNTER_PACKETS.
        let zero = Attributes::new().bytes(1, &[0; 8]).bytes(2, &[0; 8]);
        // NFTA_OBJ_TABLE, _NAME, _TYPE, _DATA.
        let counter =
            Attributes::new().text(1, self.name).text(2, name).be32(3, COUNTER).nest(4, &zero);
        self.batch.push(family, Kind::NewObject, NLM_F_CREATE | NLM_F_EXCL, &counter);
    }

    /// Adds an empty chain.
    pub(super) fn chain(&mut self, family: Family, chain: &Chain) {
        // NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_TYPE.
        let named = Attributes::new().text(1, self.name).text(3, chain.name);
        let attributes = match &chain.place {
            None => named,
            Some(place) => named.nest(4, &hook(place)).text(7, kind(place.kind)),
        };
        self.batch.push(family, Kind::NewChain, NLM_F_CREATE | NLM_F_EXCL, &attributes);
    }

    fn rules(&mut self, family: Family, chain: &Chain) {
        for steps in &chain.rules {
            let expressions: Vec<Expression> = steps
                .iter()
                .map(|step| match step {
                    Step::Plain(expression) => expression.clone(),
                    Step::In(set) => Expression::In(self.set(family, set)),
                })
                .collect();
            let rule = self.within(chain.name).nest(4, &list(&expressions));
            self.batch.push(family, Kind::NewRule, NLM_F_CREATE | NLM_F_APPEND, &rule);
        }
    }

    /// `NFTA_RULE_TABLE`, `NFTA_RULE_CHAIN`.
    fn within(&self, chain: &str) -> Attributes {
        Attributes::new().text(1, self.name).text(2, chain)
    }

    /// Adds a set and returns its number within the batch.
    fn set(&mut self, family: Family, set: &Set) -> u32 {
        self.sets += 1;
        let number = self.sets;
        // NFTA_SET_TABLE, _NAME, _FLAGS, _KEY_TYPE, _KEY_LEN, _ID.
        let head = Attributes::new()
            .text(1, self.name)
            .text(2, ANONYMOUS)
            .be32(3, SET_FLAGS)
            .be32(4, set.key.data_type())
            .be32(5, set.key.length().into())
            .be32(10, number);
        self.batch.push(family, Kind::NewSet, NLM_F_CREATE, &head);
        for elements in set.elements() {
            // NFTA_SET_ELEM_LIST_TABLE, _SET, _ELEMENTS, _SET_ID.
            let list = Attributes::new()
                .text(1, self.name)
                .text(2, ANONYMOUS)
                .nest(3, &elements)
                .be32(4, number);
            self.batch.push(family, Kind::NewSetElements, NLM_F_CREATE, &list);
        }
        number
    }
}

/// `NFTA_HOOK_HOOKNUM`, `NFTA_HOOK_PRIORITY`, `NFTA_HOOK_DEVS`.
fn hook(place: &Place) -> Attributes {
    let hook = Attributes::new().be32(1, place.hook).bytes(2, &place.priority.to_be_bytes());
    if place.devices.is_empty() {
        return hook;
    }
    let devices =
        place.devices.iter().fold(Attributes::new(), |devices, name| devices.text(1, name));
    hook.nest(4, &devices)
}

const fn kind(kind: ChainKind) -> &'static str {
    match kind {
        ChainKind::Filter => "filter",
        ChainKind::Nat => "nat",
    }
}
