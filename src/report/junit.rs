//! The report for CI servers: a test case per probe and phase, per fault, and one for the run.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary::{Fault, Summary, UndoState};
use super::terminal::phase_word;
use super::{escape::escape, figure};
use crate::act::Strength;
use crate::error::Result;
use crate::event::ProbeSummary;
use crate::outcome::Outcome;
use crate::sample::Phase;
use crate::verdict::{PhaseVerdict, RecoveryVerdict, Verdict};

/// Writes `JUnit` XML. Times are in seconds.
///
/// Fails when `out` does.
pub fn render(summary: &Summary, out: &mut dyn Write) -> Result<()> {
    report(summary).serialize(out).context("the JUnit report could not be written")?;
    Ok(())
}

fn report(summary: &Summary) -> Report {
    let title = summary.run.as_ref().map_or("shakedown", |run| run.title.as_str());
    let mut suite = TestSuite::new(escape(title));
    suite.set_time(Duration::from_nanos(summary.last.0));
    if let Some(run) = &summary.run {
        suite.add_property(("run", run.run.as_str()));
        suite.add_property(("seed", run.seed.to_string().as_str()));
        suite.add_property(("plan-hash", run.plan_hash.as_str()));
        for probe in &run.probes {
            suite.add_test_cases(probe_cases(probe, summary));
        }
    }
    suite.add_test_cases(summary.faults().iter().map(fault_case));
    suite.add_test_cases(summary.left_out().map(|step| {
        let why = format!("nothing was done: {}", step.manner.as_deref().unwrap_or_default());
        case("fault", &step.name, 0, status(None, &why))
    }));
    suite.add_test_cases(summary.failures.iter().map(|failure| {
        let name = format!("{}: {}", summary.step_of(failure), failure.what());
        case("fault", &name, 0, status(Some(NonSuccessKind::Error), &failure.reason))
    }));
    suite.add_test_case(run_case(summary));
    let mut report = Report::new("shakedown");
    report.set_time(Duration::from_nanos(summary.last.0));
    report.add_test_suite(suite);
    report
}

fn case(class: &str, name: &str, nanos: u64, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(escape(name), status);
    case.set_classname(class).set_time(Duration::from_nanos(nanos));
    case
}

/// A failure, an error, or without a kind skipped; with a message.
fn status(kind: Option<NonSuccessKind>, message: &str) -> TestCaseStatus {
    let mut status = kind.map_or_else(TestCaseStatus::skipped, TestCaseStatus::non_success);
    status.set_message(escape(message));
    status
}

fn probe_cases(probe: &ProbeSummary, summary: &Summary) -> Vec<TestCase> {
    let phases = [Phase::Before, Phase::During, Phase::Recovery, Phase::After];
    let mut cases = Vec::new();
    for phase in phases {
        let verdict = summary.verdict(&probe.name, phase);
        if phase == Phase::Recovery && verdict.is_none_or(|verdict| verdict.limits.is_empty()) {
            continue;
        }
        let status = match verdict {
            None => status(None, "not judged: the run did not get that far"),
            Some(verdict) => judged(verdict, summary),
        };
        let name = format!("{} {}", probe.name, phase_word(phase));
        cases.push(case("probe", &name, summary.phase_length(phase, summary.last), status));
    }
    cases.extend(summary.recovery(&probe.name).map(recovery_case));
    cases
}

fn judged(verdict: &PhaseVerdict, summary: &Summary) -> TestCaseStatus {
    let broken = verdict.limits.iter().filter(|limit| limit.verdict == Verdict::Deviated);
    let broken: Vec<_> = broken
        .map(|limit| match &limit.missed_by {
            Some(by) => format!("{} (missed by {by})", figure::broken(limit)),
            None => figure::broken(limit),
        })
        .collect();
    match verdict.verdict {
        Verdict::Held => TestCaseStatus::success(),
        // Without a steady state there was no test that could fail.
        Verdict::Deviated if summary.outcome() == Some(Outcome::Unsteady) => {
            status(None, &format!("unsteady before anything was injected: {}", broken.join(", ")))
        }
        Verdict::Deviated => status(Some(NonSuccessKind::Failure), &broken.join(", ")),
        Verdict::Unknown => {
            let reason = verdict.reason.as_deref().unwrap_or("too little was measured");
            status(None, &format!("cannot be judged: {reason}"))
        }
    }
}

fn recovery_case(verdict: &RecoveryVerdict) -> TestCase {
    let asked = verdict.limit.as_ref().map_or_else(String::new, |limit| format!(" ({limit})"));
    let came = verdict.time_to_recover_ns.map_or_else(
        || format!("did not recover{asked}"),
        |nanos| format!("took {} to recover{asked}", figure::time(nanos)),
    );
    let status = match verdict.verdict {
        Verdict::Held => TestCaseStatus::success(),
        Verdict::Deviated => status(Some(NonSuccessKind::Failure), &came),
        Verdict::Unknown => status(None, "cannot be judged: too little was measured"),
    };
    let name = format!("{} recovers", verdict.probe);
    case("probe", &name, verdict.time_to_recover_ns.unwrap_or(0), status)
}

fn fault_case(fault: &Fault<'_>) -> TestCase {
    let error = Some(NonSuccessKind::Error);
    let evidence = fault.evidence();
    let strength = fault.effect().map_or(Strength::Absent, |effect| effect.strength);
    let status = match (fault.undo(), strength) {
        (UndoState::Failed { reason, manual }, _) => {
            status(error, &format!("could not be undone: {reason}; by hand: {manual}"))
        }
        (UndoState::Unknown, _) => status(error, "not known to be undone"),
        (_, Strength::Proved) => TestCaseStatus::success(),
        (_, Strength::Pending) => status(error, &format!("effect not proved: {evidence}")),
        (_, Strength::Absent) => status(error, &format!("no effect: {evidence}")),
    };
    let name = format!("{}: {}", fault.step, fault.name());
    let mut case = case("fault", &name, fault.length(), status);
    case.set_system_out(escape(&evidence));
    case
}

/// The run as a whole: whatever else is shown, an exit code other than 0 is visible here.
fn run_case(summary: &Summary) -> TestCase {
    let cause = match summary.advice() {
        Some(advice) => format!("{}; next: {advice}", summary.cause()),
        None => summary.cause(),
    };
    let mut status = match summary.outcome() {
        Some(Outcome::Held) => TestCaseStatus::success(),
        Some(Outcome::Deviated) => status(Some(NonSuccessKind::Failure), &cause),
        Some(Outcome::Unsteady) => status(None, &cause),
        _ => status(Some(NonSuccessKind::Error), &cause),
    };
    if summary.outcome() != Some(Outcome::Held) {
        status.set_type(summary.outcome().map_or("unfinished", Outcome::word));
    }
    case("run", "run", summary.last.0, status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::report::fixture;

    fn rendered(events: &[Event]) -> String {
        let mut out = Vec::new();
        render(&fixture::summary(events), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_deviation_is_a_failure() {
        insta::assert_snapshot!(rendered(&fixture::deviated()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="shakedown" tests="10" skipped="0" failures="2" errors="0" time="11.247">
            <testsuite name="Checkout survives a slow payment service" tests="10" skipped="0" errors="0" failures="2" time="11.247">
                <properties>
                    <property name="run" value="20261120-7f3k"/>
                    <property name="seed" value="42"/>
                    <property name="plan-hash" value="3f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a5"/>
                </properties>
                <testcase name="checkout before" classname="probe" time="2.000"/>
                <testcase name="checkout during" classname="probe" time="6.005">
                    <failure message="success 91.3% &lt; 95% (missed by 3.7 points)"/>
                </testcase>
                <testcase name="checkout after" classname="probe" time="2.002"/>
                <testcase name="checkout recovers" classname="probe" time="1.400"/>
                <testcase name="cart before" classname="probe" time="2.000"/>
                <testcase name="cart during" classname="probe" time="6.005"/>
                <testcase name="cart after" classname="probe" time="2.002"/>
                <testcase name="cart recovers" classname="probe" time="0.000"/>
                <testcase name="slow payment: network-latency on service payment" classname="fault" time="6.001">
                    <system-out>qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed</system-out>
                </testcase>
                <testcase name="run" classname="run" time="11.247">
                    <failure message="during `slow payment`, checkout success 91.3% &lt; 95% (missed by 3.7 points), first at +4.2 s" type="deviated"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn a_fault_that_could_not_be_injected_is_an_error() {
        insta::assert_snapshot!(rendered(&fixture::not_injected()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="shakedown" tests="8" skipped="4" failures="0" errors="2" time="2.242">
            <testsuite name="Checkout survives a slow payment service" tests="8" skipped="4" errors="2" failures="0" time="2.242">
                <properties>
                    <property name="run" value="20261120-7f3k"/>
                    <property name="seed" value="42"/>
                    <property name="plan-hash" value="3f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a5"/>
                </properties>
                <testcase name="checkout before" classname="probe" time="2.000"/>
                <testcase name="checkout during" classname="probe" time="0.002">
                    <skipped message="not judged: the run did not get that far"/>
                </testcase>
                <testcase name="checkout after" classname="probe" time="0.000">
                    <skipped message="not judged: the run did not get that far"/>
                </testcase>
                <testcase name="cart before" classname="probe" time="2.000"/>
                <testcase name="cart during" classname="probe" time="0.002">
                    <skipped message="not judged: the run did not get that far"/>
                </testcase>
                <testcase name="cart after" classname="probe" time="0.000">
                    <skipped message="not judged: the run did not get that far"/>
                </testcase>
                <testcase name="slow payment: network-latency on service pay\u{1b}[31mment" classname="fault" time="0.000">
                    <error message="the kernel has no sch_netem; load it with `modprobe sch_netem`"/>
                </testcase>
                <testcase name="run" classname="run" time="2.242">
                    <error message="network-latency could not be injected: the kernel has no sch_netem; next: what had begun was rolled back; `shakedown doctor` tells what this host allows" type="not-injected"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn every_report_parses_back() {
        for events in fixture::all() {
            let report = report(&fixture::summary(&events));
            let back = Report::deserialize_from_str(&rendered(&events)).unwrap();
            assert_eq!(back.test_suites[0].test_cases.len(), report.tests);
            assert_eq!((back.failures, back.errors), (report.failures, report.errors));
        }
    }

    #[test]
    fn counts_follow_the_outcome() {
        let counts = |events: &[Event]| {
            let report = report(&fixture::summary(events));
            (report.failures, report.errors, report.skipped)
        };
        assert_eq!(counts(&fixture::held()), (0, 0, 0));
        assert_eq!(counts(&fixture::unsteady()), (0, 0, 6));
        assert_eq!(counts(&fixture::residue()), (0, 2, 4));
        assert_eq!(counts(&fixture::killed()), (0, 2, 4));
    }
}
