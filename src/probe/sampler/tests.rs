//! Schedules, and the loop against real time and real servers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::thread;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use super::super::Surroundings;
use super::super::fixture::{Server, parse};
use super::*;
use crate::sample::{Phase, SampleOutcome};
use crate::spec::{HttpProbe, ProbeKind};

const MS: u64 = 1_000_000;

fn schedule(period_ms: u64) -> Schedule {
    Schedule::new(Elapsed(0), Duration::from_millis(period_ms))
}

#[test]
fn what_is_a_little_late_is_still_sent() {
    let mut schedule = schedule(100);
    assert_eq!(schedule.skip_missed(Elapsed(250 * MS)), Missed::default());
    assert_eq!(schedule.due(), Elapsed(0));
}

#[test]
fn what_was_missed_is_counted_one_by_one() {
    let mut schedule = schedule(100);
    let missed = schedule.skip_missed(Elapsed(500 * MS));
    assert_eq!(missed.each, [Elapsed(0), Elapsed(100 * MS), Elapsed(200 * MS)]);
    assert_eq!(missed.rest, None);
    assert_eq!(schedule.due(), Elapsed(300 * MS));
}

#[test]
fn a_long_stall_ends_in_a_summary() {
    let mut schedule = schedule(1);
    let missed = schedule.skip_missed(Elapsed(10_000 * MS));
    assert_eq!(missed.each.len(), 1000);
    assert_eq!(missed.rest, Some((Elapsed(1000 * MS), 8750)));
    assert_eq!(schedule.due(), Elapsed(9750 * MS));
    assert_eq!(schedule.skip_missed(Elapsed(10_000 * MS)), Missed::default());
}

#[test]
fn schedules_do_not_drift() {
    let third = Schedule::new(Elapsed(0), Duration::from_secs(1) / 3);
    assert!(1_000_000 * 1_000_000_000 - third.at(3_000_000).0 < 2 * MS);
}

fn prober(yaml: &str) -> Prober {
    let probe: HttpProbe = parse(yaml);
    Prober::new("web", &ProbeKind::Http(probe), &Surroundings::default())
}

/// Samples for a while, stops, and returns what came.
async fn sample_for(probes: Vec<Prober>, clock: RunClock, time: Duration) -> Vec<Sample> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let phases = Phases::new(Phase::Before);
    let sampler = Sampler::start(probes, clock, &phases, &sender);
    tokio::time::sleep(time).await;
    sampler.stop().await;
    drop(sender);
    let mut all = Vec::new();
    while let Some(sample) = receiver.recv().await {
        all.push(sample);
    }
    all
}

#[tokio::test]
async fn a_slow_answer_hides_nothing_behind_it() {
    let server = Server::saying("silence").await;
    let probe = prober(&format!("{{ url: '{}', rate: 100/s, timeout: 150ms }}", server.url()));
    let work = sample_for(vec![probe], RunClock::start(), Duration::from_millis(105));
    let samples = LocalSet::new().run_until(work).await;
    // Sent all the same while the first ones wait, and all answered for after the stop.
    assert!(samples.len() >= 8, "{} samples", samples.len());
    for sample in &samples {
        assert_eq!(sample.outcome, SampleOutcome::Unreachable);
        assert!(sample.latency_ns >= 150 * MS);
    }
}

#[tokio::test]
async fn too_many_in_flight_are_recorded_and_not_dropped() {
    let server = Server::saying("silence").await;
    let probe = prober(&format!("{{ url: '{}', rate: 10000/s, timeout: 10ms }}", server.url()));
    assert_eq!(most_in_flight(&probe), 200);
    let lane = async {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let recorder = Recorder {
            clock: RunClock::start(),
            phases: Phases::new(Phase::Before),
            sender,
            awaited: Awaited::default(),
        };
        let mut lane = Lane { prober: Rc::new(probe), recorder, in_flight: JoinSet::new() };
        for _ in 0..201 {
            lane.send(Elapsed(0));
        }
        receiver.recv().await
    };
    let sample = LocalSet::new().run_until(lane).await.expect("the last one");
    assert_eq!(sample.outcome, SampleOutcome::ProbeError);
    insta::assert_snapshot!(sample.detail.unwrap_or_default(), @"not sent: too many in flight, 200 samples wait for an answer");
}

#[tokio::test]
async fn what_this_process_slept_through_is_no_burst() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let probe = prober(&format!("{{ url: '{}', rate: 100/s }}", server.url()));
    let work = async {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let phases = Phases::new(Phase::Before);
        let sampler = Sampler::start(vec![probe], RunClock::start(), &phases, &sender);
        let first = receiver.recv().await.expect("the first");
        // Blocks the only thread, as SIGSTOP would.
        thread::sleep(Duration::from_millis(600));
        let mut missed = 0;
        while let Some(sample) = receiver.recv().await {
            missed += u32::from(sample.outcome == SampleOutcome::ProbeError);
            if sample.outcome == SampleOutcome::Ok && missed > 0 {
                break;
            }
        }
        sampler.stop().await;
        (first, missed)
    };
    let (first, missed) = LocalSet::new().run_until(work).await;
    assert_eq!(first.outcome, SampleOutcome::Ok);
    assert!(missed >= 30, "{missed} missed");
}

/// A server on a thread of its own that notes when requests come.
fn busy_server(clock: RunClock) -> (std::net::SocketAddr, Arc<Mutex<Vec<Elapsed>>>) {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let noted = arrivals.clone();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
            tell.send(listener.local_addr().expect("bound")).expect("somebody waits");
            while let Ok((stream, _)) = listener.accept().await {
                let noted = noted.clone();
                let answer = service_fn(move |_: Request<hyper::body::Incoming>| {
                    noted.lock().expect("no panic").push(clock.now());
                    async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer),
                );
            }
        });
    });
    (told.recv().expect("a server"), arrivals)
}

/// Prints figures: `cargo test --lib a_thousand_a_second -- --nocapture`.
#[tokio::test]
async fn a_thousand_a_second_are_sent_when_they_are_due() {
    let clock = RunClock::start();
    let (address, arrivals) = busy_server(clock);
    let probe = prober(&format!("{{ url: 'http://{address}/', rate: 1000/s }}"));
    let seconds = std::env::var("SHAKEDOWN_TEST_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs_f64(seconds.unwrap_or(0.3));
    let samples = LocalSet::new().run_until(sample_for(vec![probe], clock, time)).await;

    let first = samples.iter().map(|sample| sample.due).min().expect("samples");
    let mut arrivals = arrivals.lock().expect("no panic").clone();
    arrivals.sort_unstable();
    let spread =
        arrivals.iter().zip(0_u64..).map(|(at, slot)| at.0.saturating_sub(first.0 + slot * MS));
    let ok = samples.iter().filter(|sample| sample.outcome == SampleOutcome::Ok).count();
    println!("due {}, ok {ok}, arrived {}", samples.len(), arrivals.len());
    println!("arrived − due: {}", percentiles(spread.collect()));
    println!("latency: {}", percentiles(samples.iter().map(|s| s.latency_ns).collect()));
    let enough = time.as_secs_f64() * 1000.0 * 0.9;
    #[expect(clippy::cast_precision_loss, reason = "some thousand samples")]
    let sent = samples.len() as f64;
    assert!(sent >= enough, "{sent} samples");
    assert!(ok * 2 >= samples.len(), "{ok} of {sent} are ok");
}

fn percentiles(mut nanos: Vec<u64>) -> String {
    nanos.sort_unstable();
    let at = |percent: usize| nanos[(nanos.len() - 1) * percent / 100] / 1000;
    format!("p50 {} us, p90 {} us, p99 {} us, max {} us", at(50), at(90), at(99), at(100))
}
