//! netem with real packets, in namespaces of the tests' own, next to tc's. Where the kernel has no
//! netem the tests say so; the lab's machine has it.

use std::net::UdpSocket;
use std::time::Instant;

use super::super::shaping::Discipline;
use super::super::shaping::fixture::{Shaper, everything, tc};
use super::super::testbed::{Pair, Server, privileged};
use super::super::{Removed, snapshot};
use super::*;
use crate::spec::GilbertElliott;

/// Whether the test can run here; says why when not.
pub(super) fn possible() -> bool {
    if !privileged() {
        return false;
    }
    match supported().unwrap() {
        Support::Supported => true,
        Support::Missing { reason } => {
            println!("skipped: this kernel has no netem: {reason}");
            false
        }
    }
}

pub(super) fn delay(delay: u64, jitter: u64) -> Netem {
    let (delay, jitter) = (Duration::from_millis(delay), Duration::from_millis(jitter));
    Netem {
        delay,
        jitter,
        limit: Netem::limit_for(delay, jitter, ASSUMED_RATE),
        ..Netem::default()
    }
}

fn shape<'a>(pair: &'a Pair, netem: &Netem) -> Shaper<'a> {
    let shaper = Shaper::new(&pair.near, &everything());
    shaper.add(&Discipline::Netem(*netem));
    shaper
}

fn drops(shaper: &Shaper<'_>) -> u64 {
    shaper.read().drops
}

pub(super) fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

pub(super) fn chance(percents: &str, correlation: &str) -> Chance {
    Chance { percent: percent(percents), correlation: percent(correlation) }
}

/// What we can ask for, and how it is asked of tc.
fn alike() -> Vec<(Netem, &'static str)> {
    let plain = Netem { limit: 5000, ..Netem::default() };
    let loss = |loss| Netem { loss: Some(loss), ..plain };
    let (quarter, half) = (percent("25%"), percent("50%"));
    let delayed = Netem { delay: Duration::from_millis(50), ..plain };
    let varied = Netem {
        jitter: Duration::from_millis(10),
        correlation: quarter,
        ordered: false,
        ..delayed
    };
    let gilbert = GilbertElliott {
        p: quarter,
        r: Some(half),
        loss_bad: percent("75%"),
        loss_good: percent("12.5%"),
    };
    let markov = Markov {
        p13: quarter,
        p31: Some(half),
        p32: percent("12.5%"),
        p23: half,
        p14: percent("6.25%"),
    };
    vec![
        (delayed, "delay 50ms"),
        (varied, "delay 50ms 10ms 25%"),
        (
            Netem { distribution: Distribution::Normal, ..varied },
            "delay 50ms 10ms 25% distribution normal",
        ),
        (
            Netem { distribution: Distribution::Pareto, ..varied },
            "delay 50ms 10ms 25% distribution pareto",
        ),
        (
            Netem { distribution: Distribution::Paretonormal, ..varied },
            "delay 50ms 10ms 25% distribution paretonormal",
        ),
        (loss(Loss::Random { percent: quarter, correlation: half }), "loss 25% 50%"),
        (
            loss(Loss::Random { percent: Percent::HUNDRED, correlation: Percent::default() }),
            "loss 100%",
        ),
        (loss(Loss::GilbertElliott(gilbert)), "loss gemodel 25% 50% 75% 12.5%"),
        (loss(Loss::Markov(markov)), "loss state 25% 50% 12.5% 50% 6.25%"),
        (Netem { duplicate: Some(chance("25%", "0%")), ..plain }, "duplicate 25%"),
        (Netem { corrupt: Some(chance("25%", "50%")), ..plain }, "corrupt 25% 50%"),
        (
            Netem { at_once: Some((chance("25%", "50%"), 5)), ..delayed },
            "delay 50ms reorder 25% 50% gap 5",
        ),
        (Netem { rate: Some(1_250_000), ..plain }, "rate 10mbit"),
    ]
}

#[test]
fn the_kernel_hears_from_us_what_it_hears_from_tc() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let before = snapshot(&pair.near).unwrap();
    for (netem, theirs) in alike() {
        let shaper = shape(&pair, &netem);
        let ours = shaper.read();
        assert!(Discipline::Netem(netem).agrees(&ours), "{theirs}");
        assert_ne!(snapshot(&pair.near).unwrap(), before);
        assert_eq!(shaper.remove(), Removed::Deleted);
        assert_eq!(shaper.remove(), Removed::AlreadyGone);
        assert_eq!(snapshot(&pair.near).unwrap(), before);
        tc(&pair.near, &format!("qdisc add dev eth0 root handle 5d01: netem limit 5000 {theirs}"));
        let text = |options: &[u8]| Parameters::parse(options).unwrap().to_string();
        assert_eq!(text(&ours.options), text(&shaper.read().options), "{theirs}");
        tc(&pair.near, "qdisc del dev eth0 root");
    }
}

/// Round trips of small packets, one after the other.
fn round_trips(pair: &Pair, count: usize) -> Vec<Duration> {
    let server = Server::start(&pair.far, 7000);
    let socket = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    socket.connect(("10.9.0.2", server.port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let once = || {
        let start = Instant::now();
        socket.send(b"hello").unwrap();
        socket.recv(&mut [0; 16]).unwrap();
        start.elapsed()
    };
    once(); // Finds the neighbour first.
    (0..count).map(|_| once()).collect()
}

#[test]
fn packets_are_delayed_within_the_jitter() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaper = shape(&pair, &delay(50, 10));
    let trips = round_trips(&pair, 60);
    let (least, most) = (*trips.iter().min().unwrap(), *trips.iter().max().unwrap());
    let mean = trips.iter().sum::<Duration>() / 60;
    println!("50 ms ± 10 ms: least {least:?}, mean {mean:?}, most {most:?} of 60 round trips");
    assert!(least >= Duration::from_millis(40), "{least:?}");
    assert!(mean > Duration::from_millis(45) && mean < Duration::from_millis(65), "{mean:?}");
    assert!(most > least + Duration::from_millis(5), "no variation");
    assert!(shaper.read().packets >= 61 && drops(&shaper) == 0);
}

/// Sends numbered packets as fast as the socket takes them, and counts those that come after a
/// later one, and those that do not come at all.
fn inversions_and_losses(pair: &Pair, count: u32) -> (usize, usize) {
    let receiver = pair.far.run_in(|| UdpSocket::bind("10.9.0.2:0").unwrap()).unwrap();
    nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20))
        .unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let sender = pair.near.run_in(|| UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    let mut order = Vec::new();
    let mut number = [0; 4];
    for next in 0..count {
        sender.send(&next.to_ne_bytes()).unwrap();
    }
    while order.len() < count as usize && receiver.recv(&mut number).is_ok() {
        order.push(u32::from_ne_bytes(number));
    }
    let inversions = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
    (inversions, count as usize - order.len())
}

#[test]
fn jitter_keeps_the_order_of_packets_unless_asked() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    round_trips(&pair, 1);
    for distribution in [Distribution::Uniform, Distribution::Normal, Distribution::Pareto] {
        let netem = Netem { distribution, ..delay(30, 20) };
        let shaper = shape(&pair, &netem);
        let (inversions, lost) = inversions_and_losses(&pair, 4000);
        println!("{distribution:?}: {inversions} inversions, {lost} lost of 4000");
        assert_eq!((inversions, lost, drops(&shaper)), (0, 0, 0));
        assert_eq!(shaper.remove(), Removed::Deleted);
        let shaper = shape(&pair, &Netem { ordered: false, ..netem });
        let (inversions, _) = inversions_and_losses(&pair, 4000);
        println!("{distribution:?} with reorder: {inversions} inversions");
        assert!(inversions > 0);
        assert_eq!(shaper.remove(), Removed::Deleted);
    }
}

#[test]
fn the_queue_is_long_enough_for_the_delay() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    round_trips(&pair, 1);
    let shaper = shape(&pair, &delay(200, 0));
    let (inversions, lost) = inversions_and_losses(&pair, 4000);
    println!("200 ms, a burst of 4000: {lost} lost, {} dropped", drops(&shaper));
    assert_eq!((inversions, lost, drops(&shaper)), (0, 0, 0));
}

#[test]
fn somebody_elses_netem_is_left_alone() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    tc(&pair.near, "qdisc add dev eth0 root handle 7: netem delay 1ms");
    Shaper::new(&pair.near, &everything()).is_refused("netem 7:");
}

#[test]
fn adding_netem_twice_is_refused() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let shaper = shape(&pair, &delay(1, 0));
    let again = shaper.try_add(&Discipline::Netem(delay(2, 0))).unwrap_err();
    assert!(matches!(again, qdisc::AddError::Foreign { .. }), "{again}");
    assert!(Discipline::Netem(delay(1, 0)).agrees(&shaper.read()));
}

#[test]
fn what_netem_would_misunderstand_is_refused() {
    let jitter = |milliseconds| crate::spec::quantity::Duration::from_millis(milliseconds);
    let asked = Impairment::Delay(Delay {
        mean: jitter(5000),
        jitter: jitter(2148),
        correlation: Percent::default(),
        distribution: Distribution::Uniform,
        reorder: false,
    });
    let model = Markov {
        p13: percent("60%"),
        p31: None,
        p32: percent("0%"),
        p23: percent("0%"),
        p14: percent("50%"),
    };
    let markov = Impairment::Lose(Loss::Markov(model));
    let refused = |asked| Netem::of(asked, 1518).unwrap_err();
    insta::assert_snapshot!(refused(&asked), @"the kernel's jitter is at most 2.147483647s, and 2.148s is asked for");
    insta::assert_snapshot!(refused(&markov), @"p13 and p14 add up to more than 100%: 60% and 50%");
    insta::assert_snapshot!(refused(&Impairment::Lose(Loss::Every(3))), @"netem cannot drop every n-th packet");
}

#[test]
fn a_kernel_without_netem_is_quoted() {
    if !privileged() {
        return;
    }
    match supported().unwrap() {
        Support::Supported => println!("this kernel has netem"),
        Support::Missing { reason } => {
            println!("this kernel: {reason}");
            assert!(!reason.is_empty());
        }
    }
}
