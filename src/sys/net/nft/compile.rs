//! What a plan means in `nf_tables`: which tables, which chains, which rules.
//!
//! For each way there is a chain that is entered from the hooks and finds what matches, and one
//! that does something to it:
//!
//! ```text
//! ingress (at the hook)  -> match-ingress (exceptions, then the flow) -> act-ingress
//! ```

use super::act_rules::{act_rules, answers};
use super::dialect::Dialect;
use super::expression::{Base, Comparison, Expression, Meta, Verdict};
use super::flow::{ICMPV6, Step, TCP, UDP, Version, later_fragments, tests};
use super::lease;
use super::plan::{Action, Plan};
use super::table::{Chain, ChainKind, Family, Place, Table, decide};
use crate::act::Hook;

/// Next to the wire: before everything that others usually have there, also before a flowtable,
/// which would take packets past us.
const WIRE: i32 = -500;
/// Before connection tracking (-200) and address translation.
const EARLY: i32 = -310;
/// After the translation of destinations (-100), before the filters (0) of others.
const TRANSLATED: i32 = -50;
/// Before the translations of others (-100), after connection tracking, which they need.
const TRANSLATION: i32 = -110;
/// After the translation of sources (100), before connections are confirmed.
const LAST: i32 = 500;
/// The bit of the mark by which packets of a control group's sockets are known next to the wire.
pub(super) const GROUP_MARK: u32 = 1 << 27;
/// Neighbour discovery: router solicitation to redirect (RFC 4861, section 4).
const DISCOVERY: (u8, u8) = (133, 137);

/// The queue in which packets vanish. The kernel throws away what it cannot hand to user space, and
/// the sender is told that all went well (`nf_queue`, `net/netfilter/nf_queue.c`), as if the packet
/// had been lost on the way. Dropped in the stack its call would fail with EPERM; dropped next to
/// the wire, with ENOBUFS unless it is UDP, and TCP would take it for a full local queue and try
/// again every 500 ms without backing off (`tcp_retransmit_timer`).
pub const NOBODY: u16 = u16::MAX;

/// The tables of a plan. `wires` are the interfaces next to which chains are hung where that is
/// done: those the plan names, or all but `lo`.
pub(super) fn compile(plan: &Plan<'_>, wires: &[String], dialect: Dialect) -> Vec<Table> {
    let compiler = Compiler { plan, wires, dialect };
    let hooks = plan.traffic.hooks.as_slice();
    let asked = |hook| hooks.contains(&hook).then_some(hook).into_iter().collect::<Vec<Hook>>();
    let (ingress, egress) = (asked(Hook::Ingress), asked(Hook::Egress));
    let mut tables = match (plan.action, plan.cgroup, dialect.silent) {
        (Action::Forward { .. } | Action::Return { .. }, ..)
        | (Action::Drop | Action::Lose(_), None, false) => vec![compiler.wire(hooks)],
        (Action::Lose(_), None, true) => vec![compiler.wire(&ingress), compiler.stack(&egress)],
        // What goes past the stack, such as frames of packet sockets, is dropped as well.
        (Action::Drop, None, true) => vec![compiler.wire(hooks), compiler.stack(&egress)],
        (Action::Drop | Action::Lose(_), Some(_), false) if !egress.is_empty() => {
            vec![compiler.stack(hooks), compiler.marked_wire()]
        }
        _ => vec![compiler.stack(hooks)],
    };
    tables.retain(|table| !table.chains.is_empty());
    tables
}

struct Compiler<'a> {
    plan: &'a Plan<'a>,
    wires: &'a [String],
    dialect: Dialect,
}

impl Compiler<'_> {
    fn wire(&self, hooks: &[Hook]) -> Table {
        let mut chains = Vec::new();
        for hook in hooks {
            chains.extend(self.inner(Family::Netdev, *hook, &[decide(Verdict::Drop)]));
            let place = self.wire_place(*hook);
            let into = Names::of(*hook).matching;
            let rules = self.entries(Family::Netdev, &[Vec::new()], into);
            chains.push(Chain { name: Names::of(*hook).wire, place: Some(place), rules });
        }
        Table { family: Family::Netdev, chains }
    }

    /// What was marked in the stack vanishes next to the wire: dropped in the stack, the sender's
    /// own call would fail.
    fn marked_wire(&self) -> Table {
        let rule = [marked(GROUP_MARK), vec![decide(Verdict::Drop)]].concat();
        let place = Some(self.wire_place(Hook::Egress));
        let chain = Chain { name: Names::of(Hook::Egress).wire, place, rules: vec![rule] };
        Table { family: Family::Netdev, chains: vec![chain] }
    }

    fn wire_place(&self, hook: Hook) -> Place {
        // NF_NETDEV_INGRESS and NF_NETDEV_EGRESS.
        let number = match hook {
            Hook::Ingress => 0,
            Hook::Egress => 1,
        };
        let priority = match (self.plan.action.forwards(), hook) {
            (false, _) => WIRE,
            // What comes back passes no hook of the wire again on its way in, but does on its way out.
            (true, Hook::Ingress) => WIRE + 1,
            (true, Hook::Egress) => WIRE - 1,
        };
        let devices = self.wires.to_vec();
        Place { kind: ChainKind::Filter, hook: number, priority, devices }
    }

    fn stack(&self, hooks: &[Hook]) -> Table {
        let mut chains = Vec::new();
        for hook in hooks {
            chains.extend(self.inner(Family::Inet, *hook, &self.vanish(*hook)));
        }
        if let Action::Divert { zone, .. } = self.plan.action {
            chains.extend(self.plan.traffic.hooks.iter().flat_map(|hook| self.apart(*hook, zone)));
        }
        for stage in self.stages().iter().copied() {
            let mut rules = Vec::new();
            for hook in stage.ways(hooks) {
                let into = Names::of(hook).matching;
                rules.extend(self.entries(Family::Inet, &self.interfaces(hook), into));
            }
            if !rules.is_empty() {
                chains.push(Chain { name: stage.name(), place: Some(self.place(stage)), rules });
            }
        }
        Table { family: Family::Inet, chains }
    }

    /// The chains that give what matches a zone of its own, before connections are looked up.
    fn apart(&self, hook: Hook, zone: u16) -> [Chain; 3] {
        let Names { tracking, zoning, track, .. } = Names::of(hook);
        let stage = match hook {
            Hook::Ingress => Stage::Prerouting,
            Hook::Egress => Stage::Output,
        };
        let place = Place {
            kind: ChainKind::Filter,
            hook: stage as u32,
            priority: EARLY,
            devices: Vec::new(),
        };
        let set = [Expression::Load(zone.to_ne_bytes().into()), Expression::SetZone];
        let rules = self.entries(Family::Inet, &self.interfaces(hook), tracking);
        [
            Chain::inner(zoning, vec![set.map(Step::Plain).into()]),
            Chain::inner(tracking, self.matching(Family::Inet, hook, zoning)),
            Chain { name: track, place: Some(place), rules },
        ]
    }

    /// How a packet vanishes in the stack.
    fn vanish(&self, hook: Hook) -> Vec<Step> {
        match hook {
            Hook::Ingress => vec![decide(Verdict::Drop)],
            Hook::Egress if self.dialect.silent => vec![Step::Plain(Expression::Queue {
                by: self.dialect.queue,
                first: NOBODY,
                count: 1,
                bypass: false,
            })],
            Hook::Egress => set_mark(GROUP_MARK, true),
        }
    }

    /// Where in the stack packets are looked at.
    const fn stages(&self) -> &'static [Stage] {
        match (self.plan.action, self.plan.cgroup) {
            // Only here a received packet's socket is known for sure.
            (_, Some(_)) => &[Stage::Input, Stage::Output],
            // Translation knows no hook for what is passed on.
            (Action::Redirect { .. } | Action::Divert { .. }, None) => {
                &[Stage::Prerouting, Stage::Output]
            }
            (Action::Drop | Action::Lose(_), None) => &[Stage::Postrouting],
            (_, None) => &[Stage::Prerouting, Stage::Output, Stage::Forward],
        }
    }

    const fn place(&self, stage: Stage) -> Place {
        let (kind, priority) = match (self.plan.action, stage) {
            (Action::Redirect { .. } | Action::Divert { .. }, _) => (ChainKind::Nat, TRANSLATION),
            (Action::Reset | Action::Icmp, Stage::Output) => (ChainKind::Filter, TRANSLATED),
            (_, Stage::Postrouting) => (ChainKind::Filter, LAST),
            _ => (ChainKind::Filter, EARLY),
        };
        Place { kind, hook: stage as u32, priority, devices: Vec::new() }
    }

    /// The tests of the interface, any of which is enough.
    fn interfaces(&self, hook: Hook) -> Vec<Vec<Step>> {
        let load = Expression::Meta(match hook {
            Hook::Ingress => Meta::InputName,
            Hook::Egress => Meta::OutputName,
        });
        let named = &self.plan.traffic.interfaces;
        if named.is_empty() && matches!(self.plan.action, Action::Divert { .. }) {
            return vec![Vec::new()];
        }
        if named.is_empty() {
            let test = Expression::Compare(Comparison::Unequal, padded("lo"));
            return vec![[load, test].map(Step::Plain).into()];
        }
        named
            .iter()
            .map(|name| [load.clone(), Expression::equal(padded(name))].map(Step::Plain).into())
            .collect()
    }

    /// The rules at a hook that lead to what matches.
    fn entries(&self, family: Family, starts: &[Vec<Step>], into: &'static str) -> Vec<Vec<Step>> {
        let group = self.plan.cgroup.map_or_else(Vec::new, |group| {
            [
                Expression::SocketGroup(group.level),
                // The kernel compares its own number, in its own order.
                Expression::equal(group.id.to_ne_bytes()),
            ]
            .map(Step::Plain)
            .into()
        });
        let end = [group, vec![decide(Verdict::Jump(into))]].concat();
        let leases = lease::tests(family, self.dialect.leased);
        let both = |start: &Vec<Step>| {
            let start = start.clone();
            leases.iter().map(move |lease| [start.clone(), lease.clone()].concat())
        };
        starts.iter().flat_map(both).map(|rule| [rule, end.clone()].concat()).collect()
    }

    /// The chains that find and act, the latter first.
    fn inner(&self, family: Family, hook: Hook, vanish: &[Step]) -> [Chain; 2] {
        let names = Names::of(hook);
        let acting = act_rules(self.plan.action, hook, vanish, self.dialect.queue);
        let matching = self.matching(family, hook, names.acting);
        [Chain::inner(names.acting, acting), Chain::inner(names.matching, matching)]
    }

    /// Whether what passes here is looked at once more: next to the wire, or when it is diverted.
    fn is_met_again(&self, family: Family) -> bool {
        matches!(self.plan.action, Action::Divert { .. })
            || family == Family::Inet
                && self.plan.action == Action::Drop
                && self.plan.cgroup.is_none()
    }

    /// The rules that find what matches, which goes on in another chain.
    fn matching(&self, family: Family, hook: Hook, into: &'static str) -> Vec<Vec<Step>> {
        let leave = |steps: Vec<Step>| [steps, vec![decide(Verdict::Return)]].concat();
        let mut rules = vec![leave(discovery(family))];
        if let Some(bit) = self.plan.skip_mark {
            let clear = if self.is_met_again(family) { vec![] } else { set_mark(bit, false) };
            rules.push(leave([marked(bit), clear].concat()));
        }
        rules.extend(answers(self.plan.action, family).into_iter().map(leave));
        for flow in &self.plan.traffic.except {
            rules.extend(tests(flow, (family, hook), &[]).into_iter().map(leave));
            rules.extend(later_fragments(flow, (family, hook)).into_iter().map(leave));
        }
        let only: &[u8] = match self.plan.action {
            Action::Redirect { .. } | Action::Divert { .. } => &[TCP, UDP],
            _ => &[],
        };
        let start = match self.plan.action {
            Action::Return { mark, .. } => marked(mark),
            _ => Vec::new(),
        };
        let act = decide(Verdict::Goto(into));
        let found = tests(&self.plan.traffic.flow, (family, hook), only).into_iter();
        rules.extend(found.map(|rule| [start.clone(), rule, vec![act.clone()]].concat()));
        rules
    }
}

/// A hook of the stack (`enum nf_inet_hooks`).
#[derive(Clone, Copy)]
enum Stage {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        }
    }

    /// The ways that are seen here, of those that are asked for.
    fn ways(self, asked: &[Hook]) -> impl Iterator<Item = Hook> {
        let way = match self {
            Self::Prerouting | Self::Input => Hook::Ingress,
            // What is passed on was met on its way in.
            Self::Forward | Self::Output | Self::Postrouting => Hook::Egress,
        };
        asked.contains(&way).then_some(way).into_iter()
    }
}

/// The names of a way's chains and counters.
#[derive(Clone, Copy)]
pub(super) struct Names {
    wire: &'static str,
    matching: &'static str,
    acting: &'static str,
    track: &'static str,
    tracking: &'static str,
    zoning: &'static str,
    pub(super) matched: &'static str,
    pub(super) acted: &'static str,
}

impl Names {
    pub(super) const fn of(hook: Hook) -> Self {
        match hook {
            Hook::Ingress => Self {
                wire: "ingress",
                matching: "match-ingress",
                acting: "act-ingress",
                track: "track-ingress",
                tracking: "match-track-ingress",
                zoning: "zone-ingress",
                matched: "matched-ingress",
                acted: "acted-ingress",
            },
            Hook::Egress => Self {
                wire: "egress",
                matching: "match-egress",
                acting: "act-egress",
                track: "track-egress",
                tracking: "match-track-egress",
                zoning: "zone-egress",
                matched: "matched-egress",
                acted: "acted-egress",
            },
        }
    }
}

/// The test for IPv6 neighbour discovery, which is left alone. ARP needs none: only IP is met.
fn discovery(family: Family) -> Vec<Step> {
    let (first, last) = DISCOVERY;
    let test = [
        Expression::Meta(Meta::TransportProtocol),
        Expression::equal([ICMPV6]),
        Expression::Payload { base: Base::Transport, offset: 0, length: 1 },
        Expression::Between(vec![first], vec![last]),
    ];
    [&Version::Six.test(family)[..], &test.map(Step::Plain)].concat()
}

/// The test for a bit of the mark.
fn marked(bit: u32) -> Vec<Step> {
    let keep = bit.to_ne_bytes().to_vec();
    [
        Expression::Meta(Meta::Mark),
        Expression::Bits { keep, turn: vec![0; 4] },
        Expression::equal(bit.to_ne_bytes()),
    ]
    .map(Step::Plain)
    .into()
}

/// Sets or clears a bit of the mark.
pub(super) fn set_mark(bit: u32, on: bool) -> Vec<Step> {
    let turn = if on { bit } else { 0 };
    let bits =
        Expression::Bits { keep: (!bit).to_ne_bytes().to_vec(), turn: turn.to_ne_bytes().to_vec() };
    [Expression::Meta(Meta::Mark), bits, Expression::SetMark].map(Step::Plain).into()
}

/// The name of an interface as the kernel compares it (`IFNAMSIZ` bytes).
fn padded(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}
