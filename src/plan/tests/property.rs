//! What holds for every plan.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::quantity::Pick;

/// A choice as it stands in a file.
fn any_pick() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("one".to_owned()),
        Just("all".to_owned()),
        (1_u32..30).prop_map(|count| count.to_string()),
        (1_u32..=100).prop_map(|share| format!("{share}%")),
    ]
}

/// Processes of a few names with different numbers.
fn any_processes() -> impl Strategy<Value = Vec<Process>> {
    proptest::collection::btree_map(2_i32..500, "[ab]", 1..20)
        .prop_map(|all| all.into_iter().map(|(pid, name)| process(pid, &name)).collect())
}

fn paused(pick: &str, max_targets: u32, max_share: u32) -> Experiment {
    let target = json!({"process": {"user": "redis"}, "pick": pick});
    let method = json!([{"target": target, "fault": {"process-pause": {}}, "for": "5s"}]);
    let radius = json!({"max-targets": max_targets, "max-share": format!("{max_share}%")});
    experiment(method, radius)
}

/// How many of so many a choice means, worked out another way than in the plan.
fn expected(pick: &str, matched: usize) -> usize {
    match pick.parse().unwrap() {
        Pick::One => 1,
        Pick::All => matched,
        Pick::Count(count) => count as usize,
        Pick::Share(_) => {
            let percent: usize = pick.trim_end_matches('%').parse().unwrap();
            (percent * matched / 100).max(1)
        }
    }
}

proptest! {
    #[test]
    fn a_plan_never_exceeds_the_blast_radius(
        processes in any_processes(), pick in any_pick(),
        most in 1_u32..30, share in 1_u32..=100, seed: u64,
    ) {
        let matched = processes.len();
        let wanted = expected(&pick, matched);
        let planned = plan(
            &paused(&pick, most, share), &candidates(&processes, HOST_NETWORK), &setting(seed),
        );
        let allowed =
            wanted <= matched && wanted <= most as usize && wanted * 100 <= share as usize * matched;
        prop_assert_eq!(planned.is_ok(), allowed, "{:?}", planned.err());
        if let Ok(plan) = planned {
            prop_assert_eq!(plan.entries[0].steps[0].acts.len(), wanted);
            prop_assert_eq!(plan.radius.targets.len(), wanted);
        }
    }

    #[test]
    fn a_plan_is_a_function_of_what_matches_and_the_seed(
        (processes, shuffled) in any_processes()
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        pick in any_pick(), seed: u64,
    ) {
        let file = paused(&pick, 99, 100);
        let one = plan(&file, &candidates(&processes, HOST_NETWORK), &setting(seed));
        let other = plan(&file, &candidates(&shuffled, HOST_NETWORK), &setting(seed));
        prop_assert_eq!(one, other);
    }
}
