//! Steps that pulse, ramp, or are left to chance.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::spec::quantity::Duration;

/// The plan of one step for services, with fields of its own.
fn planned(fault: &Value, fields: &Value, seed: u64) -> Plan {
    let mut step = json!({"target": {"service": ["web", "db"], "pick": "all"}, "fault": fault});
    let more = fields.as_object().unwrap().clone();
    step.as_object_mut().unwrap().extend(more);
    let file = experiment(json!([step]), json!({"max-targets": 2}));
    plan(&file, &Candidates::default(), &setting(seed)).unwrap()
}

fn method(plan: &Plan, width: Option<u16>) -> String {
    let text = human(plan, "hash", width);
    let (_, method) = text.split_once("Method\n").unwrap();
    method.split_once("\n\nBlast").unwrap().0.to_owned()
}

fn pause() -> Value {
    json!({"process-pause": {}})
}

#[test]
fn a_pulse_reads_well() {
    let fault = json!({"network-partition": {
        "peers": {"services": ["db"], "ports": [6379]}, "except": [{"protocols": ["icmp"]}]}});
    let fields = json!({"for": "10s", "delay": "1s", "pulse": {"on": "2s", "off": "3s"}});
    insta::assert_snapshot!(method(&planned(&fault, &fields, 1), Some(80)), @r"
    0  network-partition of service web and service db
       network-partition for 10s, after 1s; 2s on, 3s off
         on       service web, service db
         packets  what it sends and receives with 198.18.7.3, port 6379 at either
                  end; except icmp
         engine   nft: in the kernel; exact, packet by packet
         undo     our nft table deleted; the kernel does so when the agent ends
         class    K kernel-held
    ");
}

#[test]
fn a_ramp_reads_well_and_has_an_act_for_each_level() {
    let fault = json!({"network-latency": {"delay": "500ms", "jitter": "50ms"}});
    let fields = json!({"for": "60s", "ramp": {"from": "50ms", "over": "30s", "steps": 5}});
    let plan = planned(&fault, &fields, 1);
    insta::assert_snapshot!(method(&plan, Some(60)), @r"
    0  network-latency of service web and service db
       network-latency for 1m; 50ms to 500ms in 5 steps over
       30s
         on       service web, service db
         packets  everything it sends
         engine   netem: in the kernel; its timers are late by
                  about 0.1 ms
         undo     our queueing discipline deleted, the
                  kernel's default is back
         class    G guarded
    ");
    let step = &plan.entries[0].steps[0];
    let turns = step.turns.iter().map(|turn| {
        let delays = step.acts_of(turn).map(|planned| match &planned.act {
            crate::act::Act::Shape(shape) => format!("{:?}", shape.impairment),
            other => format!("{other:?}"),
        });
        let first = delays.take(1).collect::<String>();
        let mean = first.split_once("mean: Duration(").unwrap().1.split_once(')').unwrap().0;
        format!("{}-{} {mean} {:?}", turn.at, turn.until.unwrap(), turn.acts)
    });
    insta::assert_snapshot!(turns.collect::<Vec<_>>().join("\n"), @r"
    0s-6s 50ms [0, 1]
    6s-12s 140ms [2, 3]
    12s-18s 230ms [4, 5]
    18s-24s 320ms [6, 7]
    24s-30s 410ms [8, 9]
    30s-1m 500ms [10, 11]
    ");
}

#[test]
fn chance_reads_well() {
    let fields = json!({"for": "10s", "pulse": {"on": "1s", "off": "1s"}, "probability": "50%"});
    insta::assert_snapshot!(method(&planned(&pause(), &fields, 4), None), @r"
    0  process-pause of service web and service db
       process-pause for 10s; 1s on, 1s off; probability 50%
         on       service web (2 of 5 times), service db (4 of 5 times)
         undo     let go of the trace, or thawed where tracing is not permitted
         class    K kernel-held
    ");
    let fields = json!({"for": "10s", "probability": "50%"});
    insta::assert_snapshot!(method(&planned(&pause(), &fields, 5), None), @r"
    0  process-pause of service web and service db
       process-pause for 10s; probability 50%
         on       service db
         undo     let go of the trace, or thawed where tracing is not permitted
         class    K kernel-held
         left out service web
    ");
    let fields = json!({"for": "10s", "probability": "1%"});
    let nothing = planned(&pause(), &fields, 1);
    insta::assert_snapshot!(method(&nothing, None), @r"
    0  process-pause of service web and service db
       process-pause for 10s; left out by the seed, probability 1%
         left out service web, service db
    ");
    assert_eq!(nothing.radius, Radius::default());
}

#[test]
fn a_kill_again_and_again_has_a_turn_for_each_time() {
    let plan = planned(&json!({"process-kill": {"every": "4s"}}), &json!({"for": "10s"}), 1);
    let step = &plan.entries[0].steps[0];
    let begins: Vec<String> = step.turns.iter().map(|turn| turn.at.to_string()).collect();
    assert_eq!(begins, ["0s", "4s", "8s"]);
    assert!(step.turns.iter().all(|turn| turn.acts == [0, 1]));
}

#[test]
fn workers_know_how_long_their_turn_is() {
    let fields = json!({"for": "10s", "pulse": {"on": "2s", "off": "1s"}});
    let plan = planned(&json!({"cpu-stress": {}}), &fields, 1);
    match &plan.entries[0].steps[0].acts[0].act {
        crate::act::Act::Stress(stress) => assert_eq!(stress.duration, Duration::from_secs(2)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_partition_between_nodes_happens_as_a_whole() {
    let fault = json!({"network-partition": {"between": "halves"}});
    for seed in 0..20 {
        let plan = planned(&fault, &json!({"for": "10s", "probability": "50%"}), seed);
        let step = &plan.entries[0].steps[0];
        let happens = !step.acts.is_empty();
        assert_eq!(step.matrix.is_some(), happens, "seed {seed}");
        assert_eq!(step.left_out.len(), if happens { 0 } else { 2 }, "seed {seed}");
    }
}

proptest! {
    #[test]
    fn chance_decides_by_the_seed_and_never_touches_more(
        seed: u64, share in 1_u32..=100, on in 100_u64..900, off in 100_u64..900,
    ) {
        let fields = |probability: &str| json!({
            "for": "10s", "probability": probability,
            "pulse": {"on": format!("{on}ms"), "off": format!("{off}ms")},
        });
        let one = planned(&pause(), &fields(&format!("{share}%")), seed);
        prop_assert_eq!(&one, &planned(&pause(), &fields(&format!("{share}%")), seed));
        let all = planned(&pause(), &fields("100%"), seed);
        let (one, all) = (&one.entries[0].steps[0], &all.entries[0].steps[0]);
        prop_assert!(all.turns.iter().all(|turn| turn.acts == [0, 1]) && all.left_out.is_empty());
        prop_assert_eq!(one.turns.len(), all.turns.len());
        for turn in &one.turns {
            prop_assert_eq!(one.acts_of(turn).count(), turn.acts.len());
        }
        prop_assert_eq!(one.acts.len() + one.left_out.len(), 2);
    }
}
