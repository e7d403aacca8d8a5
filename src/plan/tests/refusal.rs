//! Every refusal, as it is printed.

use serde_json::{Value, json};

use super::*;

fn refused(method: Value, blast_radius: Value) -> String {
    let two = [process(31, "worker"), process(32, "worker")];
    let file = experiment(method, blast_radius);
    plan(&file, &candidates(&two, HOST_NETWORK), &setting(1)).unwrap_err().to_string()
}

fn one(target: &Value, fault: &Value) -> Value {
    json!([{"target": target, "fault": fault, "for": "10s"}])
}

fn worker() -> Value {
    json!({"process": {"name": "worker"}})
}

#[test]
fn the_environment_must_be_the_one_of_the_file() {
    let mut file = experiment(kill(&json!({"service": "web"})), json!({}));
    file.environment = Some("staging".to_owned());
    let planned = |given: Option<&str>| {
        let setting = Setting { environment: given.map(str::to_owned), ..setting(1) };
        plan(&file, &Candidates::default(), &setting)
    };
    assert!(planned(Some("staging")).is_ok());
    insta::assert_snapshot!(planned(None).unwrap_err(), @"environment: this experiment is for `staging`, and no environment was given; give `--environment staging` if this is the one");
    insta::assert_snapshot!(planned(Some("production")).unwrap_err(), @"environment: this experiment is for `staging`, and this environment is `production`; give `--environment staging` if this is the one");
}

#[test]
fn too_long() {
    let pause = |duration: &str| {
        json!([{"wait": "1s"}, {"parallel": [{
            "target": {"service": "web"}, "fault": {"process-pause": {}}, "for": duration}]}])
    };
    insta::assert_snapshot!(refused(pause("61s"), json!({})), @"method[1].parallel[0].for: the fault would last 1m1s; blast-radius.max-duration is 1m");
    insta::assert_snapshot!(refused(pause("1s"), json!({"max-duration": "16m"})), @"blast-radius.max-duration: 16m is above 15m, the longest without `allow: [long-duration]`");
    let down = json!({"process-restart": {"down": "2m"}});
    insta::assert_snapshot!(refused(one(&json!({"service": "web"}), &down), json!({})), @"method[0].fault: the fault would last 2m5s; blast-radius.max-duration is 1m");
    let long = json!({"max-duration": "16m", "allow": ["long-duration"]});
    let file = experiment(pause("15m30s"), long);
    assert!(plan(&file, &Candidates::default(), &setting(1)).is_ok());
}

#[test]
fn a_fault_that_lasts_needs_an_end() {
    let endless = json!([{"target": {"service": "web"}, "fault": {"process-pause": {}}}]);
    insta::assert_snapshot!(refused(endless, json!({})), @"method[0].fault: `process-pause` lasts until it is undone; say how long with `for: 30s`");
}

#[test]
fn too_many() {
    let all = json!({"service": ["web", "db"], "pick": "all"});
    insta::assert_snapshot!(refused(kill(&all), json!({})), @"method[0].target: 2 targets chosen; blast-radius.max-targets is 1");
    let share = json!({"max-targets": 9, "max-share": "60%"});
    insta::assert_snapshot!(refused(kill(&all), share), @"method[0].target: 2 of 2 that match (100%) chosen; blast-radius.max-share is 60%");
}

#[test]
fn too_few() {
    let three = json!({"service": ["web", "db"], "pick": 3});
    insta::assert_snapshot!(refused(kill(&three), json!({"max-targets": 9})), @"method[0].target.pick: 3 asked for, and only 2 match");
    let method = one(&worker(), &json!({"process-pause": {}}));
    let nobody = plan(&experiment(method, json!({})), &Candidates::default(), &setting(1));
    insta::assert_snapshot!(nobody.unwrap_err(), @"method[0].target: the selector matches nothing on this host");
}

#[test]
fn wrong_targets() {
    insta::assert_snapshot!(refused(kill(&json!({})), json!({})), @"method[0].target: give exactly one of `service`, `process`, `host`");
    insta::assert_snapshot!(refused(kill(&json!({"service": ["web", "shop"]})), json!({})), @"method[0].target: `shop` is no service of this experiment");
    let except = json!({"service": "web", "except": {"pid": 7}});
    insta::assert_snapshot!(refused(kill(&except), json!({})), @"method[0].target: `except` leaves out processes, and this target is a service; name the services instead");
    let restart = one(&worker(), &json!({"process-restart": {}}));
    insta::assert_snapshot!(refused(restart, json!({})), @"method[0].fault: `process-restart` starts its target again, which only works for a service of this experiment; use `target: { service: … }`");
}

#[test]
fn irreversible_faults_on_strangers_must_be_allowed() {
    insta::assert_snapshot!(refused(kill(&worker()), json!({})), @"method[0].fault: `process-kill` cannot be undone, and worker (pid 31) is no service of this experiment; write `allow: [irreversible]` in blast-radius if it recovers by itself");
    let allowed = experiment(kill(&worker()), json!({"allow": ["irreversible"]}));
    let around = candidates(&[process(31, "worker")], HOST_NETWORK);
    assert!(plan(&allowed, &around, &setting(1)).is_ok());
}

#[test]
fn the_whole_hosts_network_must_be_allowed() {
    let partition = one(&json!({"host": true}), &json!({"network-partition": {}}));
    insta::assert_snapshot!(refused(partition.clone(), json!({})), @"method[0].fault: `network-partition` on this host's network hits every process that shares it; write `allow: [host]` in blast-radius if that is meant");
    let around = candidates(&[], HOST_NETWORK);
    let allowed = |allow: Value| {
        let plan = plan(&experiment(partition.clone(), allow), &around, &setting(1));
        plan.unwrap().radius.left_alone
    };
    let metadata = ["metadata 169.254.169.254", "metadata [fd00:ec2::254]"];
    assert_eq!(allowed(json!({"allow": ["host"]})), metadata);
    assert!(allowed(json!({"allow": ["host", "control-path"]})).is_empty());
    let mut blind = candidates(&[process(31, "worker")], HOST_NETWORK);
    blind.surroundings.neighbours.clear();
    let latency = json!({"network-latency": {"delay": "1s"}});
    let file = experiment(one(&worker(), &latency), json!({}));
    insta::assert_snapshot!(plan(&file, &blind, &setting(1)).unwrap_err(), @"method[0].fault: cannot see which network worker (pid 31) is in, so `network-latency` might hit the host's; run as root, and see that the process still runs");
}

#[test]
fn a_share_of_the_hosts_network_takes_an_engine_that_can_tell_packets_apart() {
    let latency = |engine: Value| json!({"network-latency": {"delay": "1s", "engine": engine}});
    for target in [worker(), json!({"service": "cache"})] {
        let file = experiment(one(&target, &latency(json!("queue"))), json!({}));
        let around = candidates(&[process(31, "worker")], HOST_NETWORK);
        let radius = plan(&file, &around, &setting(1)).unwrap().radius;
        assert!(radius.bystanders.is_empty() && radius.shared.is_empty());
    }
    insta::assert_snapshot!(refused(one(&worker(), &latency(json!("netem"))), json!({})), @"method[0].fault: the engine netem does not work here: it meets whole interfaces, and the target shares those of the host");
}

#[test]
fn connections_of_strangers_are_cut_when_that_is_allowed() {
    let cut = one(&worker(), &json!({"connection-reset": {"new": "refuse"}}));
    insta::assert_snapshot!(refused(cut, json!({})), @"method[0].fault: `connection-reset` cannot be undone, and worker (pid 31) is no service of this experiment; write `allow: [irreversible]` in blast-radius if it recovers by itself");
    let service = one(&json!({"service": "db"}), &json!({"connection-reset": {"every": "2s"}}));
    let plan = plan(&experiment(service, json!({})), &Candidates::default(), &setting(1));
    let step = plan.unwrap().entries.remove(0).steps.remove(0);
    assert_eq!(step.manner().unwrap(), "every 2s");
}

#[test]
fn dangerous_file_systems_must_be_allowed() {
    let fill = |path: &str| {
        let fault = json!({"disk-fill": {"path": path, "size": "1MiB"}});
        refused(one(&worker(), &fault), json!({}))
    };
    insta::assert_snapshot!(fill("/srv"), @"method[0].fault: `/srv` is on the root file system, and filling that is refused unless blast-radius has `allow: [root-fs]`");
    insta::assert_snapshot!(fill("/bound/x"), @"method[0].fault: `/bound/x` is on the root file system, and filling that is refused unless blast-radius has `allow: [root-fs]`");
    insta::assert_snapshot!(fill("/run/shop"), @"method[0].fault: `/run/shop` is on a file system in memory, and filling that is refused unless blast-radius has `allow: [memory-fs]`");
    insta::assert_snapshot!(fill("/var/lib/shop"), @"method[0].fault: `/var/lib/shop` is on the file system of the journal, and filling that is refused unless blast-radius has `allow: [journal-fs]`");
    insta::assert_snapshot!(fill("/proc/sys"), @"method[0].fault: `/proc/sys` is on proc, a view of the kernel without storage; name a directory on a disk");
    insta::assert_snapshot!(fill("data"), @"method[0].fault: `data` is not absolute; write the path from `/`");
    let amounts = json!({"disk-fill": {"path": "/data"}});
    insta::assert_snapshot!(refused(one(&worker(), &amounts), json!({})), @"method[0].fault: `disk-fill` takes exactly one of `size`, `percent`, `leave-free`");
}

#[test]
fn the_subnet_must_have_room() {
    let file = experiment(kill(&json!({"service": "web"})), json!({}));
    let small = Setting { subnets: vec!["198.18.7.0/30".parse().unwrap()], ..setting(1) };
    let error = plan(&file, &Candidates::default(), &small).unwrap_err();
    insta::assert_snapshot!(error, @"services.db.network: the subnet 198.18.7.0/30 has too few addresses for 2 services with a network of their own");
    assert_eq!(error.refusal.outcome(), crate::outcome::Outcome::Usage);
}
