//! What is held, what is deviated, and what nobody can say.

use proptest::prelude::*;

use super::super::fixture::{
    due, millis, ok, probe_error, refused, sample, timed_out, tolerance, valued, violated,
};
use super::*;
use crate::sample::SampleOutcome;

fn judged(samples: &[Sample], limits: &str) -> PhaseVerdict {
    let subject = Subject { probe: "web", phase: Phase::During, timeout: Duration::from_secs(1) };
    judge(samples, &tolerance(limits), &subject)
}

/// One line for each limit.
fn table(verdict: &PhaseVerdict) -> String {
    let line = |limit: &LimitVerdict| {
        let since = limit.first_broken.map(Elapsed::as_secs_f64);
        let missed = limit.missed_by.as_deref().unwrap_or("-");
        format!("{} | {} | {missed} | {since:?} | {:?}", limit.limit, limit.measured, limit.verdict)
    };
    verdict.limits.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn many(count: u64, of: impl Fn(u64) -> Sample) -> Vec<Sample> {
    (0..count).map(of).collect()
}

#[test]
fn no_sample_is_never_held() {
    for limits in ["{}", "{ success: { at-least: 0% } }", "{ min-samples: 0 }"] {
        let verdict = judged(&[], limits);
        assert_eq!(verdict.verdict, Verdict::Unknown);
        assert_eq!(verdict.reason.as_deref(), Some("there was no sample"));
    }
}

#[test]
fn samples_of_others_are_passed_over() {
    let other_phase = Sample { phase: Phase::Before, ..ok(0, 1) };
    let other_probe = Sample { probe: "db".to_owned(), ..ok(0, 1) };
    let verdict = judged(&[other_phase, other_probe], "{}");
    assert_eq!(verdict.figures.samples, 0);
}

#[test]
fn success_says_by_how_much_and_since_when() {
    let mut samples = many(100, |n| ok(n, 3));
    samples[40] = refused(40);
    samples[50] = violated(50);
    let verdict = judged(&samples, "{ success: { at-least: 99.5% } }");
    insta::assert_snapshot!(table(&verdict), @"success at-least 99.5% | 98% | 1.5 points | Some(4.0) | Deviated");
    assert_eq!(verdict.verdict, Verdict::Deviated);
}

#[test]
fn a_time_out_breaks_a_latency_limit_and_a_refusal_does_not() {
    let limits = "{ max: { at-most: 300ms } }";
    assert_eq!(judged(&[ok(0, 3), refused(1)], limits).verdict, Verdict::Held);
    let verdict = judged(&[ok(0, 3), timed_out(1)], limits);
    assert_eq!(verdict.limits[0].missed_by.as_deref(), Some("700ms"));
    assert_eq!(verdict.limits[0].first_broken, Some(due(1)));
}

#[test]
fn refusals_do_not_make_a_percentile_better() {
    let slow = many(5, |n| ok(n, 400));
    let with_refusals = [slow.clone(), (5..100).map(refused).collect()].concat();
    for samples in [slow, with_refusals] {
        let verdict = judged(&samples, "{ p50: { at-most: 300ms } }");
        assert_eq!(verdict.limits[0].measured, "400ms");
        assert_eq!(verdict.verdict, Verdict::Deviated);
    }
}

#[test]
fn only_refusals_have_no_latency_to_judge() {
    let verdict = judged(&many(20, refused), "{ p99: { at-most: 300ms } }");
    assert_eq!(verdict.verdict, Verdict::Unknown);
    insta::assert_snapshot!(verdict.reason.unwrap_or_default(), @"too few samples have the figure that `p99 at-most 300ms` is about");
}

#[test]
fn a_limit_is_kept_by_exactly_its_bound() {
    let samples = many(10, |n| ok(n, 300));
    assert_eq!(judged(&samples, "{ p99: { at-most: 300ms } }").verdict, Verdict::Held);
    assert_eq!(judged(&samples, "{ p99: { below: 300ms } }").verdict, Verdict::Deviated);
}

#[test]
fn too_few_samples_are_unknown() {
    let verdict = judged(&many(9, violated), "{ success: { at-least: 50% }, min-samples: 10 }");
    assert_eq!(verdict.verdict, Verdict::Unknown);
    insta::assert_snapshot!(verdict.reason.unwrap_or_default(), @"9 samples were measured, 10 are asked for");
}

#[test]
fn a_tenth_of_probe_errors_is_tolerated_and_more_is_not() {
    let limits = "{ success: { at-least: 99% } }";
    let with_errors = |errors| {
        let mut samples = many(100, |n| ok(n, 1));
        for (slot, sample) in (0..errors).zip(&mut samples) {
            *sample = probe_error(slot);
        }
        judged(&samples, limits).verdict
    };
    assert_eq!(with_errors(10), Verdict::Held);
    assert_eq!(with_errors(11), Verdict::Unknown);
}

#[test]
fn probe_errors_hide_no_deviation_they_could_not_undo() {
    let limits = "{ success: { at-least: 90% } }";
    let samples = |bad: u64| {
        let mut samples = many(100, |n| ok(n, 1));
        for (slot, sample) in (0..20).zip(&mut samples) {
            *sample = probe_error(slot);
        }
        for slot in 20..20 + bad {
            samples[usize::try_from(slot).expect("small")] = violated(slot);
        }
        samples
    };
    // 9 of 80 fail the limit, yet with 20 more good ones it would be kept.
    assert_eq!(judged(&samples(9), limits).verdict, Verdict::Unknown);
    assert_eq!(judged(&samples(11), limits).verdict, Verdict::Deviated);
}

#[test]
fn probe_errors_and_a_percentile() {
    let mut samples = many(100, |n| ok(n, 500));
    for (slot, sample) in (0..40).zip(&mut samples) {
        *sample = probe_error(slot);
    }
    // With 40 errors of 100 the 90th percentile is slow in the best case as well.
    assert_eq!(judged(&samples, "{ p90: { at-most: 300ms } }").verdict, Verdict::Deviated);
    // With 60 the median might have been fast.
    for (slot, sample) in (40..60).zip(samples.iter_mut().skip(40)) {
        *sample = probe_error(slot);
    }
    assert_eq!(judged(&samples, "{ p50: { at-most: 300ms } }").verdict, Verdict::Unknown);
}

#[test]
fn every_value_must_keep_the_limit() {
    let samples = [valued(0, 1.0), valued(1, 7.0), valued(2, 2.0)];
    let verdict = judged(&samples, "{ value: { at-most: 5, at-least: 1 } }");
    insta::assert_snapshot!(table(&verdict), @"
    value at-least 1 | 1 | - | None | Held
    value at-most 5 | 7 | 2 | Some(0.1) | Deviated
    ");
}

#[test]
fn no_figure_that_is_not_a_number_passes() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for limits in ["{ value: { at-least: 0 } }", "{ value: { below: 5 } }", "{}"] {
            let verdict = judged(&[valued(0, value)], limits);
            assert_eq!(verdict.verdict, Verdict::Unknown, "{value} against {limits}");
        }
    }
}

#[test]
fn a_value_nobody_measured_is_unknown() {
    let verdict = judged(&many(10, |n| ok(n, 1)), "{ value: { at-most: 5 } }");
    assert_eq!(verdict.verdict, Verdict::Unknown);
}

#[test]
fn the_worst_limit_decides() {
    let samples = many(10, |n| ok(n, 500));
    let verdict =
        judged(&samples, "{ value: { at-most: 5 }, p50: { at-most: 1ms }, max: { below: 1s } }");
    let verdicts: Vec<Verdict> = verdict.limits.iter().map(|limit| limit.verdict).collect();
    assert_eq!(verdicts, [Verdict::Deviated, Verdict::Held, Verdict::Unknown]);
    assert_eq!(verdict.verdict, Verdict::Deviated);
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let outcome = prop_oneof![
        4 => Just(SampleOutcome::Ok),
        1 => Just(SampleOutcome::Violated),
        1 => Just(SampleOutcome::Unreachable),
        1 => Just(SampleOutcome::ProbeError),
    ];
    let value = proptest::option::of(prop_oneof![-10.0..10.0, Just(f64::NAN)]);
    (0_u64..500, outcome, 0_u64..2000, value).prop_map(|(slot, outcome, latency, value)| Sample {
        value,
        ..sample(slot, outcome, millis(latency))
    })
}

fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    proptest::collection::vec(any_sample(), 0..60)
}

fn limits(success: u32, p90: u32, value: i32, few: u32) -> String {
    format!(
        "{{ success: {{ at-least: {success}% }}, p90: {{ at-most: {p90}ms }}, \
         value: {{ at-most: {value} }}, min-samples: {few} }}"
    )
}

proptest! {
    #[test]
    fn loosening_never_turns_held_into_deviated(
        samples in any_samples(),
        (success, p90, value, few) in (0_u32..=100, 0_u32..2000, -10..10, 0_u32..20),
        (less, slower, more, fewer) in (0_u32..=100, 0_u32..2000, 0..20, 0_u32..20),
    ) {
        let strict = judged(&samples, &limits(success, p90, value, few));
        let loose = judged(&samples, &limits(
            success.saturating_sub(less), p90 + slower, value + more, few.saturating_sub(fewer),
        ));
        if strict.verdict == Verdict::Held {
            prop_assert_eq!(loose.verdict, Verdict::Held);
        }
        for (strict, loose) in strict.limits.iter().zip(&loose.limits) {
            prop_assert!(strict.verdict != Verdict::Held || loose.verdict == Verdict::Held);
        }
    }

    #[test]
    fn an_ok_sample_never_lowers_success(samples in any_samples()) {
        let before = judged(&samples, "{}").figures.success_percent;
        let after = judged(&[samples, vec![ok(0, 1)]].concat(), "{}").figures.success_percent;
        prop_assert!(after >= before);
    }

    #[test]
    fn nothing_measured_is_never_held(errors in 0_u64..50, success in 0_u32..=100) {
        let limits = format!("{{ success: {{ at-least: {success}% }} }}");
        prop_assert_eq!(judged(&many(errors, probe_error), &limits).verdict, Verdict::Unknown);
    }
}
