//! Each impairment, both ways, both versions of IP.

use std::time::Duration;

use super::super::super::testbed::{run, stdout};
use super::stream::{Course, Stream};
use super::*;

const FAST: Duration = Duration::from_micros(250);

/// The two ways with both versions of IP: the impaired end is always the near one.
const WAYS: [(Hook, &str); 4] = [
    (Hook::Egress, "10.9.0.2"),
    (Hook::Ingress, "10.9.0.1"),
    (Hook::Egress, "fd09::2"),
    (Hook::Ingress, "fd09::1"),
];

/// A stream of so many packets the way that an impairment is put.
fn course(way: (Hook, &str), packets: u64, impairment: serde_json::Value) -> (Course, Figures) {
    let pair = pair();
    let (from, to) = match way.0 {
        Hook::Egress => (&pair.near, &pair.far),
        Hook::Ingress => (&pair.far, &pair.near),
    };
    let flow = Flow { ports: vec!["9000".parse().unwrap()], ..Flow::default() };
    let queued = Queued::put_on(&pair.near, &[way.0], flow, impairment);
    let stream = Stream::start(from, to, way.1, FAST);
    stream.let_pass(packets);
    let course = stream.finish();
    let figures = queued.remove();
    assert_eq!(figures.mishap(), None, "{way:?}");
    (course, figures)
}

fn chance(percent: &str) -> serde_json::Value {
    json!({"percent": percent, "correlation": "0%"})
}

/// Whether a count lies in the interval of a binomial distribution, whose events come in bursts that
/// make its variance so many times larger, in which it is in all but one of 10,000 runs: with 99 %
/// this test would fail every other day.
fn is_likely(count: u64, of: u64, probability: f64, bursts: f64) -> bool {
    let (count, of) = (count as f64, of as f64);
    let deviation = (of * probability * (1.0 - probability) * bursts).sqrt();
    (count - of * probability).abs() <= 3.891 * deviation + 0.5
}

/// The round trips of pings in milliseconds, from user space to user space: what the kernel notes on
/// arrival is before the queue.
fn pings(from: &Namespace, to: &str, count: u32) -> Vec<f64> {
    let count = count.to_string();
    let output = run(from, "ping", &["-n", "-U", "-c", &count, "-i", "0.005", "-W", "2", to]);
    let times = stdout(&output);
    times
        .lines()
        .filter_map(|line| line.split("time=").nth(1)?.split(' ').next()?.parse().ok())
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn round_trips_take_longer_by_the_delay() {
    if !possible() {
        return;
    }
    let pair = pair();
    for to in ["10.9.0.2", "fd09::2"] {
        let quick = median(pings(&pair.near, to, 50));
        for (hooks, expected) in [
            (&[Hook::Egress][..], 20.0),
            (&[Hook::Ingress], 20.0),
            (&[Hook::Ingress, Hook::Egress], 40.0),
        ] {
            let queued = Queued::put(&pair.near, hooks, delay("20ms"));
            let slow = median(pings(&pair.near, to, 50));
            let figures = queued.remove();
            println!("{to} {hooks:?}: {quick} ms, then {slow} ms; {figures:?}");
            assert!((slow - quick - expected).abs() < 3.0, "{to} {hooks:?}: {quick}, then {slow}");
            assert_eq!(figures.mishap(), None);
            assert!(figures.held >= 50 * hooks.len() as u64);
        }
    }
}

#[test]
fn losses_are_as_many_as_asked() {
    if !possible() {
        return;
    }
    let (p, r) = (0.02, 0.25);
    for (way, loss, probability, bursts) in [
        (WAYS[0], json!({"random": chance("10%")}), 0.1, 1.0),
        (WAYS[1], json!({"random": chance("30%")}), 0.3, 1.0),
        // A chain of two states with the correlation c has (1 + c) / (1 - c) times the variance.
        (WAYS[2], json!({"random": {"percent": "20%", "correlation": "50%"}}), 0.2, 3.0),
        (
            WAYS[3],
            json!({"gilbert-elliott": {"p": "2%", "r": "25%"}}),
            p / (p + r),
            (2.0 - p - r) / (p + r),
        ),
        (
            WAYS[0],
            json!({"markov": {"p13": "2%", "p31": "25%"}}),
            p / (p + r),
            (2.0 - p - r) / (p + r),
        ),
    ] {
        let (course, figures) = course(way, 2000, json!({ "lose": loss }));
        let (lost, sent) = (course.lost(), course.sent);
        let expected = sent as f64 * probability;
        println!("{way:?} {loss}: {lost} of {sent}, expected {expected:.0}");
        assert_eq!((figures.vanished, figures.packets), (lost, sent), "{loss}");
        assert!(is_likely(lost, sent, probability, bursts), "{loss}: {lost} of {sent}");
    }
}

#[test]
fn every_nth_is_lost_exactly() {
    if !possible() {
        return;
    }
    for way in WAYS {
        let (course, _) = course(way, 100, json!({"lose": {"every": 10}}));
        assert_eq!(course.lost(), course.sent / 10, "{way:?}");
        assert!(course.arrivals.iter().all(|arrival| arrival.number % 10 != 9), "{way:?}");
    }
}

#[test]
fn jitter_keeps_the_order_unless_asked_otherwise() {
    if !possible() {
        return;
    }
    for way in WAYS {
        for reorder in [false, true] {
            let jitter = json!({"mean": "20ms", "jitter": "5ms", "correlation": "0%",
                "distribution": "normal", "reorder": reorder});
            let (course, _) = course(way, 1000, json!({ "delay": jitter }));
            assert_eq!(course.lost(), 0, "{way:?}");
            assert_eq!(course.overtaking() > 0, reorder, "{way:?}");
        }
    }
}

#[test]
fn what_is_sent_arrives_twice() {
    if !possible() {
        return;
    }
    for way in [WAYS[0], WAYS[2]] {
        let (course, figures) = course(way, 1000, json!({"duplicate": chance("25%")}));
        let doubled = course.arrivals.len() as u64 - course.sent;
        assert_eq!((course.lost(), figures.doubled), (0, doubled), "{way:?}");
        assert!(is_likely(doubled, course.sent, 0.25, 1.0), "{way:?}: {doubled}");
    }
    let impairment = serde_json::from_value(json!({"duplicate": chance("25%")})).unwrap();
    let refused = super::super::refuse_impossible(&[Hook::Ingress], &impairment).unwrap_err();
    insta::assert_snapshot!(refused, @"the engine queue cannot duplicate what the target receives: there is no way to receive a packet twice without touching the host; use `direction: to` on the other side, or the engine netem");
}

#[test]
fn a_changed_bit_is_noticed_by_the_receivers_checksum() {
    if !possible() {
        return;
    }
    for way in WAYS {
        let (course, figures) = course(way, 1000, json!({"corrupt": chance("20%")}));
        // What the checksum finds is dropped; a changed port finds nobody.
        assert_eq!(course.lost(), figures.flipped, "{way:?}");
        assert!(is_likely(figures.flipped, course.sent, 0.2, 1.0), "{way:?}: {figures:?}");
    }
}

#[test]
fn some_overtake_others() {
    if !possible() {
        return;
    }
    for way in WAYS {
        let reorder = json!({"chance": chance("25%"), "gap": 3, "delay": "10ms"});
        let (course, figures) = course(way, 1000, json!({ "reorder": reorder }));
        let overtook = figures.packets - figures.held;
        // After two that wait, one in four: on average 2 + 4 - 1 wait for one that does not.
        assert_eq!(course.lost(), 0, "{way:?}");
        assert!(
            (0.14..0.20).contains(&(overtook as f64 / course.sent as f64)),
            "{way:?}: {figures:?}"
        );
        assert!(course.overtaking() > 0, "{way:?}");
    }
}

#[test]
fn the_rate_is_as_asked() {
    if !possible() {
        return;
    }
    // 4,000 packets/s of 64 bytes make 424,000 bytes/s in frames of IPv4.
    for way in WAYS {
        let limit = json!({"rate": "200kB/s", "burst": "2kB", "queue": "100ms"});
        let (course, figures) = course(way, 4000, json!({ "limit": limit }));
        let header = if way.1.contains(':') { 48 } else { 28 };
        let bytes = course.arrivals.len() as f64 * f64::from(64 + 14 + header);
        let seconds = course.sent as f64 * FAST.as_secs_f64() + 0.1;
        let rate = bytes / seconds / 200_000.0;
        println!("{way:?}: {:.1} % of the rate, {figures:?}", rate * 100.0);
        assert!((0.95..1.05).contains(&rate), "{way:?}: {rate}");
        assert_eq!((course.lost(), course.overtaking()), (figures.vanished, 0), "{way:?}");
        // The queue is full nearly all the time.
        assert!((85.0..115.0).contains(&course.median()), "{way:?}: {}", course.median());
    }
}
