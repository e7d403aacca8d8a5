//! How exact it is, in figures. What is asserted leaves room for a busy machine; the table tells
//! what a quiet one can do.

use super::stream::{Course, Stream};
use super::*;

const PACKETS: u64 = 1500;
/// 1,000 packets/s.
const GAP: Duration = Duration::from_millis(1);

fn measure(hook: Hook, distribution: &str, jitter: &str, reorder: bool) -> Course {
    let pair = pair();
    let (from, to, address) = match hook {
        Hook::Egress => (&pair.near, &pair.far, "10.9.0.2"),
        Hook::Ingress => (&pair.far, &pair.near, "10.9.0.1"),
    };
    let delay = json!({"mean": "50ms", "jitter": jitter, "correlation": "0%",
        "distribution": distribution, "reorder": reorder});
    let queued = Queued::put(&pair.near, &[hook], json!({ "delay": delay }));
    let stream = Stream::start(from, to, address, GAP);
    stream.let_pass(PACKETS);
    let course = stream.finish();
    assert_eq!((queued.remove().mishap(), course.lost()), (None, 0));
    course
}

#[test]
fn delays_and_their_deviations_are_as_asked() {
    if !possible() {
        return;
    }
    println!("asked                        median   mean  deviation (expected)  in ms");
    for hook in [Hook::Egress, Hook::Ingress] {
        for (distribution, jitter, expected) in [
            ("uniform", "0ms", 0.0),
            ("uniform", "10ms", 10.0 / 3f64.sqrt()),
            ("normal", "10ms", 10.0),
        ] {
            let course = measure(hook, distribution, jitter, true);
            let times = course.times();
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            let square = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
            let deviation = (square / times.len() as f64).sqrt();
            println!(
                "{hook:?} 50ms ± {jitter} {distribution}: {:.2} {mean:.2} {deviation:.2} ({expected:.2})",
                course.median()
            );
            // The middle half, which a hiccup of the machine does not move: as wide as the jitter
            // when uniform, 1.349 times when normal.
            let half = (times[times.len() * 3 / 4] - times[times.len() / 4]) / 10.0;
            let expected = if distribution == "normal" { 1.349 } else { 1.0 };
            let median = course.median();
            assert!((median - 50.0).abs() < 4.0, "{hook:?} {distribution} {jitter}: {median}");
            assert!(jitter == "0ms" || (half / expected - 1.0).abs() < 0.2, "{half} {expected}");
        }
    }
}
