//! What is done to a packet that matches.

use super::compile::{Names, set_mark};
use super::expression::{Base, Comparison, Expression, Meta, QueueBy, Refuse, Verdict};
use super::flow::{ICMP, ICMPV6, Step, TCP, Version};
use super::plan::{Action, Chance};
use super::table::{Family, decide};
use crate::act::Hook;

/// What a random number is drawn below.
const BILLION: u32 = 1_000_000_000;
/// `ICMP_DEST_UNREACH` and `ICMPV6_DEST_UNREACH`.
const UNREACHABLE: (u8, u8) = (3, 1);
/// The flag RST in the fourteenth byte of TCP's header.
const RST: u8 = 4;
/// The flag SYN there.
const SYN: u8 = 2;

/// The rules that act. `vanish` is how a packet vanishes at this place.
pub(super) fn act_rules(
    action: Action,
    hook: Hook,
    vanish: &[Step],
    queue: QueueBy,
) -> Vec<Vec<Step>> {
    let names = Names::of(hook);
    let count = Step::Plain(Expression::Count(names.acted));
    let counted = |steps: &[Step]| [std::slice::from_ref(&count), steps].concat();
    let refuse = |how| counted(&[Step::Plain(Expression::Refuse(how))]);
    match action {
        Action::Drop => vec![counted(vanish)],
        Action::Lose(chance) => {
            let all = Step::Plain(Expression::Count(names.matched));
            vec![[vec![all], chance_test(chance), counted(vanish)].concat()]
        }
        Action::Icmp => vec![refuse(Refuse::Host)],
        Action::Reset => {
            let tcp = [Expression::Meta(Meta::TransportProtocol), Expression::equal([TCP])];
            let tcp = [&tcp.map(Step::Plain)[..], &refuse(Refuse::Reset)].concat();
            vec![tcp, refuse(Refuse::Port)]
        }
        Action::Queue { ingress, egress } => {
            let first = match hook {
                Hook::Ingress => ingress,
                Hook::Egress => egress,
            };
            vec![counted(&[Step::Plain(Expression::Queue {
                by: queue,
                first,
                count: 1,
                bypass: true,
            })])]
        }
        Action::Redirect { port } | Action::Divert { port, .. } => {
            let to = [Expression::Load(port.to_be_bytes().into()), Expression::Redirect];
            let leave = [tcp_flag(SYN, 0).to_vec(), vec![decide(Verdict::Return)]].concat();
            // Connections that are open already are new to the tracking, but must stay as they are.
            vec![leave, counted(&to.map(Step::Plain))]
        }
        Action::Forward { interface, mark } => {
            let mark = mark.map_or_else(Vec::new, |bit| set_mark(bit, true));
            vec![counted(&[mark, forward(interface)].concat())]
        }
        Action::Return { interface, .. } => vec![counted(&forward(interface))],
    }
}

fn forward(interface: u32) -> Vec<Step> {
    let to = [Expression::Load(interface.to_ne_bytes().into()), Expression::Forward];
    to.map(Step::Plain).into()
}

fn chance_test(chance: Chance) -> Vec<Step> {
    let test: Vec<Expression> = match chance {
        Chance::Random(percent) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most a billion"
            )]
            let below = (percent.fraction() * f64::from(BILLION)).round() as u32;
            vec![
                Expression::Random(BILLION),
                Expression::NetworkOrder,
                Expression::Compare(Comparison::Less, below.to_be_bytes().into()),
            ]
        }
        Chance::Every(n) => {
            let n = n.max(1);
            vec![Expression::Sequence(n), Expression::equal((n - 1).to_ne_bytes())]
        }
    };
    test.into_iter().map(Step::Plain).collect()
}

/// The test for TCP with a flag set or, for 0, not set.
fn tcp_flag(flag: u8, is: u8) -> [Step; 5] {
    [
        Expression::Meta(Meta::TransportProtocol),
        Expression::equal([TCP]),
        Expression::Payload { base: Base::Transport, offset: 13, length: 1 },
        Expression::Bits { keep: vec![flag], turn: vec![0] },
        Expression::equal([is]),
    ]
    .map(Step::Plain)
}

/// The tests for what a refusal itself makes the kernel send, or a peer that refuses likewise:
/// it must pass, or nobody would learn of the refusal.
pub(super) fn answers(action: Action, family: Family) -> Vec<Vec<Step>> {
    let icmp = || {
        [(Version::Four, ICMP, UNREACHABLE.0), (Version::Six, ICMPV6, UNREACHABLE.1)].map(
            |(version, protocol, kind)| {
                let test = [
                    Expression::Meta(Meta::TransportProtocol),
                    Expression::equal([protocol]),
                    Expression::Payload { base: Base::Transport, offset: 0, length: 1 },
                    Expression::equal([kind]),
                ];
                [&version.test(family)[..], &test.map(Step::Plain)].concat()
            },
        )
    };
    match action {
        Action::Reset => {
            let mut all: Vec<Vec<Step>> = icmp().into();
            all.push(tcp_flag(RST, RST).into());
            all
        }
        Action::Icmp => icmp().into(),
        Action::Drop
        | Action::Lose(_)
        | Action::Queue { .. }
        | Action::Redirect { .. }
        | Action::Divert { .. }
        | Action::Forward { .. }
        | Action::Return { .. } => Vec::new(),
    }
}
