//! How many packets are lost, and which.

use std::net::UdpSocket;
use std::time::Duration;

use super::super::super::testbed::{Pair, ping, wait_until};
use super::super::{Action, Chance};
use super::{both, one, plan, possible_to, put};
use crate::act::Hook;

/// A sender and a receiver, and how to tell which of so many numbered packets arrive.
struct Numbers {
    sender: UdpSocket,
    receiver: UdpSocket,
    to: &'static str,
}

impl Numbers {
    fn new(pair: &Pair, hook: Hook, six: bool) -> Self {
        let (near, far) = if six {
            ("[fd09::1]:7000", "[fd09::2]:7000")
        } else {
            ("10.9.0.1:7000", "10.9.0.2:7000")
        };
        let bind = |namespace: &super::Namespace, to: &str| {
            namespace.run_in(|| UdpSocket::bind(to).unwrap()).unwrap()
        };
        let (near_end, far_end) = (bind(&pair.near, near), bind(&pair.far, far));
        let (sender, receiver, to) = match hook {
            Hook::Egress => (near_end, far_end, far),
            Hook::Ingress => (far_end, near_end, near),
        };
        // A new cable may take a moment until it carries anything.
        let address = if six { "fd09::2" } else { "10.9.0.2" };
        assert!(wait_until(|| ping(&pair.near, address)).is_some());
        receiver.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        Self { sender, receiver, to }
    }

    /// Sends as many and returns the numbers of those that arrive.
    fn arriving(&self, count: u32) -> Vec<u32> {
        let mut arrived = Vec::new();
        let mut take = |wait: bool| {
            self.receiver.set_nonblocking(!wait).unwrap();
            let mut bytes = [0; 4];
            while self.receiver.recv_from(&mut bytes).is_ok() {
                arrived.push(u32::from_be_bytes(bytes));
            }
        };
        for number in 0..count {
            self.sender.send_to(&number.to_be_bytes(), self.to).unwrap();
            if number % 50 == 49 {
                take(false);
            }
        }
        take(true);
        arrived
    }
}

#[test]
fn random_loss_is_as_asked_within_chance() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    for (hook, six, percent) in [
        (Hook::Egress, false, 30.0),
        (Hook::Ingress, false, 5.0),
        (Hook::Egress, true, 1.0),
        (Hook::Ingress, true, 50.0),
    ] {
        let numbers = Numbers::new(&pair, hook, six);
        let action = Action::Lose(Chance::Random(format!("{percent}%").parse().unwrap()));
        let table = put(&pair.near, &one(hook, &[], &["7000"]), action);
        let count = 10_000u32;
        let lost = count - u32::try_from(numbers.arriving(count).len()).unwrap();
        let (expected, share) = (f64::from(count) * percent / 100.0, percent / 100.0);
        // 99 % of a binomial distribution lie within 2.58 deviations; a test may not fail in one
        // of 100 runs, so it takes 4, which happens in one of 16 000.
        let deviation = (f64::from(count) * share * (1.0 - share)).sqrt();
        let away = (f64::from(lost) - expected) / deviation;
        println!("{percent} % {hook:?}: {lost} of {count} lost, {away:+.2} deviations away");
        assert!(away.abs() < 4.0, "{percent} % {hook:?}: {lost} of {count}");
        let counters = table.counters().unwrap();
        assert_eq!((counters.matched, counters.packets), (count.into(), lost.into()));
        drop(table.remove().unwrap());
    }
}

#[test]
fn every_nth_is_lost_each_way_for_itself() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let table = put(&pair.near, &both(&[], &["7000"]), Action::Lose(Chance::Every(7)));
    for hook in [Hook::Egress, Hook::Ingress] {
        let arrived = Numbers::new(&pair, hook, false).arriving(1400);
        let expected: Vec<u32> = (0..1400).filter(|number| number % 7 != 6).collect();
        assert_eq!(arrived, expected, "{hook:?}");
    }
    let counters = table.counters().unwrap();
    assert_eq!((counters.matched, counters.packets), (2800, 400));
}

#[test]
fn an_update_of_the_peers_does_not_count_anew() {
    if !possible_to(Action::Drop) {
        return;
    }
    let pair = Pair::new();
    let numbers = Numbers::new(&pair, Hook::Egress, false);
    let lose = Action::Lose(Chance::Every(10));
    let traffic = one(Hook::Egress, &["10.9.0.2"], &[]);
    let mut table = put(&pair.near, &traffic, lose);
    let mut lost = Vec::new();
    for round in 0..10 {
        let arrived = numbers.arriving(5);
        lost.extend((0..5).filter(|number| !arrived.contains(number)).map(|it| it + 5 * round));
        let peers = if round % 2 == 0 { &["10.9.0.0/24"][..] } else { &["10.9.0.2", "fd09::2"] };
        let traffic = one(Hook::Egress, peers, &[]);
        table.update(&pair.near, &plan(&traffic, lose)).unwrap();
    }
    assert_eq!(lost, [9, 19, 29, 39, 49]);
    let counters = table.counters().unwrap();
    assert_eq!((counters.matched, counters.packets), (50, 5));
    // Another share: the counters go on.
    let all = Action::Lose(Chance::Every(1));
    table.update(&pair.near, &plan(&traffic, all)).unwrap();
    assert_eq!(numbers.arriving(20), Vec::<u32>::new());
    let counters = table.counters().unwrap();
    assert_eq!((counters.matched, counters.packets), (70, 25));
    assert_eq!(numbers.arriving(5), Vec::<u32>::new());
}
