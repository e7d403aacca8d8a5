//! Whatever an agent was doing when it died, its journal alone takes everything back.
//!
//! A machine in memory stands in for the host; the journal is the real one, on a real disk. The
//! agent dies after any step it takes, and in the middle of any record it writes.

mod driver;
mod kind;
mod machine;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use driver::{Agent, Copy, Grave, Step};
use kind::Kind;
use machine::Machine;

/// A life of an agent: what it was told, after how many steps it died, and what its disk kept.
#[derive(Clone, Debug)]
struct Life {
    steps: Vec<Step>,
    death: usize,
    /// How many bytes of the last record are missing, if it died while writing it.
    torn: Option<usize>,
    copy: Copy,
    /// After how many undos the first who repairs it dies too.
    second_death: usize,
}

fn any_life() -> impl Strategy<Value = Life> {
    let kind = prop_oneof![
        Just(Kind::NamedFile),
        Just(Kind::UnnamedFile),
        Just(Kind::Freeze),
        Just(Kind::Trace),
        Just(Kind::Delay),
        Just(Kind::Load),
    ];
    let step = prop_oneof![
        3 => (kind, 0_u8..3).prop_map(|(kind, on)| Step::Do(kind, on)),
        1 => (0_usize..8).prop_map(Step::Undo),
    ];
    let copy = prop_oneof![Just(Copy::Lost), Just(Copy::Kept)];
    (vec(step, 1..12), 0_usize..70, proptest::option::of(1_usize..200), copy, 0_usize..6).prop_map(
        |(steps, death, torn, copy, second_death)| Life { steps, death, torn, copy, second_death },
    )
}

/// Lives it, dies, recovers; the machine must be as it was before.
fn recovers(life: &Life, make: impl Fn(Machine, &Grave) -> Agent) -> Result<(), TestCaseError> {
    let machine = Machine::new();
    let before = machine.state();
    let grave = Grave::new();
    let agent = make(machine.clone(), &grave);
    let wrote_last = agent.live(&life.steps, life.death);
    machine.release_what_the_kernel_holds();
    grave.bury(life.torn.filter(|_| wrote_last), life.copy);
    driver::recover_in_part(&grave, &machine, life.second_death);
    let first = driver::recover(&grave, &machine);
    prop_assert_eq!(machine.state(), before.clone(), "after the first recovery");
    prop_assert!(first.is_clean());
    prop_assert!(driver::is_closed(&grave), "the next command has nothing to do");
    driver::revert_everything(&grave, &machine);
    prop_assert_eq!(machine.state(), before, "after everything is undone once more");
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
}

#[test]
fn a_crash_after_any_step_is_undone_from_the_journal_alone() {
    let result = runner(400).run(&any_life(), |life| recovers(&life, Agent::honest));
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

#[test]
fn without_the_write_before_the_act_the_property_fails() {
    let result = runner(400).run(&any_life(), |life| recovers(&life, Agent::careless));
    assert!(matches!(result, Err(TestError::Fail(..))), "the careless agent was not caught");
    // One act, and death right after it, is enough.
    let steps = vec![Step::Do(Kind::NamedFile, 0)];
    let life = Life { steps, death: 0, torn: None, copy: Copy::Kept, second_death: 0 };
    assert!(recovers(&life, Agent::careless).is_err());
    assert!(recovers(&life, Agent::honest).is_ok());
}

#[test]
fn undoing_twice_is_undoing_once() {
    let once_and_twice = |kinds: Vec<(Kind, u8)>| {
        let machine = Machine::new();
        let before = machine.state();
        let grave = Grave::new();
        let steps: Vec<Step> = kinds.into_iter().map(|(kind, on)| Step::Do(kind, on)).collect();
        Agent::honest(machine.clone(), &grave).live(&steps, usize::MAX);
        driver::revert_everything(&grave, &machine);
        prop_assert_eq!(machine.state(), before.clone());
        driver::revert_everything(&grave, &machine);
        prop_assert_eq!(machine.state(), before);
        Ok(())
    };
    let kind = prop_oneof![Just(Kind::NamedFile), Just(Kind::Freeze), Just(Kind::Delay)];
    let result = runner(50).run(&vec((kind, 0_u8..3), 1..8), once_and_twice);
    assert!(result.is_ok(), "{}", result.unwrap_err());
}
