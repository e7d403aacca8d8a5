//! Plans of whole experiments.

mod modifiers;
mod property;
mod refusal;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::act::{NamespaceId, ProcessId};
use crate::target::{Mount, Namespaces, Neighbour, Process, Protocol, Socket, Surroundings};

const HOST_NETWORK: u64 = 1;

/// An experiment of three services, of which two have a network of their own.
#[expect(clippy::needless_pass_by_value, reason = "callers write `json!` in its place")]
fn experiment(method: Value, blast_radius: Value) -> Experiment {
    let service = |network: &str| json!({"command": ["shop", "--serve"], "network": network});
    let file = json!({
        "version": 1,
        "title": "the shop survives",
        "hypothesis": {"title": "the shop sells", "probes": []},
        "blast-radius": blast_radius,
        "method": method,
    });
    let mut experiment: Experiment = serde_json::from_value(file).unwrap();
    // Objects of `json!` are sorted; the order of services counts.
    for (name, network) in [("web", "own"), ("db", "own"), ("cache", "host")] {
        let service = serde_json::from_value(service(network)).unwrap();
        experiment.services.insert(name.to_owned(), service);
    }
    experiment
}

fn setting(seed: u64) -> Setting {
    Setting {
        seed,
        subnets: vec!["198.18.7.0/24".parse().unwrap()],
        environment: None,
        engines: Engines::default(),
    }
}

fn process(pid: i32, name: &str) -> Process {
    Process {
        id: ProcessId { pid, start_time: 1000 + u64::from(pid.unsigned_abs()) },
        parent: 1,
        name: name.to_owned(),
        exe: None,
        command: vec![name.to_owned()],
        uid: 110,
        user: "redis".to_owned(),
        cgroups: vec![format!("/shop/{name}")],
        unit: None,
        state: 'S',
        tracer: None,
        namespace_pids: vec![pid],
    }
}

fn network(ino: u64) -> NamespaceId {
    NamespaceId { dev: 4, ino }
}

fn neighbour(process: &Process, net: u64) -> Neighbour {
    Neighbour {
        id: process.id,
        name: process.name.clone(),
        namespaces: Namespaces { net: Some(network(net)), ..Namespaces::default() },
        cgroups: process.cgroups.clone(),
    }
}

fn mount(point: &str, kind: &str, device: &str) -> Mount {
    Mount { point: point.into(), kind: kind.to_owned(), device: device.to_owned() }
}

/// The processes as candidates of every one of ten steps, in the network namespace given.
fn candidates(processes: &[Process], net: u64) -> Candidates {
    let mounts = vec![
        mount("/", "ext4", "8:1"),
        mount("/data", "xfs", "8:2"),
        mount("/run", "tmpfs", "0:5"),
        mount("/proc", "proc", "0:6"),
        mount("/var/lib", "xfs", "8:3"),
        mount("/bound", "ext4", "8:1"),
    ];
    let mounts_of = processes.iter().map(|process| (process.id.pid, mounts.clone())).collect();
    Candidates {
        steps: vec![processes.to_vec(); 10],
        surroundings: Surroundings {
            host_networks: vec![network(HOST_NETWORK)],
            neighbours: processes.iter().map(|process| neighbour(process, net)).collect(),
            sockets: BTreeMap::new(),
            journal: Some(mount("/var/lib", "xfs", "8:3")),
            mounts,
            mounts_of,
            lifelines: Vec::new(),
        },
    }
}

fn kill(target: &Value) -> Value {
    json!([{"target": target, "fault": {"process-kill": {}}}])
}

#[test]
fn services_get_addresses_in_the_order_of_the_file() {
    let file = experiment(kill(&json!({"service": "web"})), json!({}));
    let plan = plan(&file, &Candidates::default(), &setting(1)).unwrap();
    let addresses: Vec<_> =
        plan.services.iter().map(|(start, _)| start.addresses.clone()).collect();
    let address = |text: &str| vec![text.parse().unwrap()];
    assert_eq!(addresses, [address("198.18.7.2/24"), address("198.18.7.3/24"), vec![]]);
    assert_eq!(plan.network.unwrap().addresses, address("198.18.7.1/24"));
}

#[test]
fn a_network_is_only_made_for_those_who_need_it() {
    let mut file = experiment(kill(&json!({"service": "cache"})), json!({}));
    file.services.retain(|name, _| name == "cache");
    assert_eq!(plan(&file, &Candidates::default(), &setting(1)).unwrap().network, None);
}

fn whole() -> Plan {
    let redis = process(812, "redis-server");
    let sidecar = process(813, "exporter\u{1b}[2J");
    let mut around = candidates(std::slice::from_ref(&redis), 7);
    around.surroundings.neighbours.push(neighbour(&sidecar, 7));
    around.surroundings.neighbours.push(neighbour(&process(900, "stranger"), HOST_NETWORK));
    let socket = |local: &str, remote: &str, listening| Socket {
        protocol: Protocol::Tcp,
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        listening,
        inode: 5,
    };
    let sockets = vec![
        socket("10.0.0.2:6379", "0.0.0.0:0", true),
        socket("10.0.0.2:6379", "10.0.0.9:40000", false),
    ];
    around.surroundings.sockets.insert(812, sockets);
    let method = json!([
        {"name": "a slow web", "target": {"service": "web"}, "for": "5s", "delay": "1s",
         "fault": {"network-latency": {"delay": "250ms"}}},
        {"wait": "3s"},
        {"parallel": [
            {"target": {"process": {"name": "redis-server"}}, "for": "10s",
             "fault": {"network-partition": {"peers": {"services": ["db"], "ports": [6379]}}}},
            {"target": {"service": ["web", "db"], "pick": "all"}, "for": "20s",
             "fault": {"process-kill": {"every": "5s", "kill-after": "1s"}}},
        ]},
        {"target": {"process": {"name": "redis-server"}}, "for": "10s",
         "fault": {"disk-fill": {"path": "/data/shop", "leave-free": "1MiB"}}},
    ]);
    let file = experiment(method, json!({"max-targets": 2}));
    plan(&file, &around, &setting(42)).unwrap()
}

#[test]
fn a_plan_reads_well() {
    let plan = whole();
    insta::assert_snapshot!(human(&plan, &plan.hash().unwrap(), None), @r"
    the shop survives
      hypothesis     the shop sells
      seed           42
      plan           c985a9701b5b9b0bd09051c4422ae9b468d328e2e7f14b4e0171f66933ea8761
      takes at most  1m26s

    Services
     NAME   COMMAND       ADDRESS
     web    shop --serve  198.18.7.2/24
     db     shop --serve  198.18.7.3/24
     cache  shop --serve  the host's

    Method
      0  a slow web
         network-latency for 5s, after 1s
           on       service web
           packets  everything it sends
           engine   netem: in the kernel; its timers are late by about 0.1 ms
           undo     our queueing discipline deleted, the kernel's default is back
           class    G guarded
         wait 3s
      1  network-partition of redis-server (pid 812)
         network-partition for 10s
           on       process 812
           packets  what it sends and receives with 198.18.7.3, port 6379 at either end
           engine   nft: in the kernel; exact, packet by packet
           undo     our nft table deleted; the kernel does so when the agent ends
           class    K kernel-held
      2  process-kill of service web and service db
         process-kill for 20s; every 5s
           on       service web, service db
           undo     none; the service comes back if its restart policy says so
           class    X irreversible
      3  disk-fill of redis-server (pid 812)
         disk-fill for 10s
           on       process 812
           undo     unnamed file closed, space free again; the kernel does so when the agent ends
           class    K kernel-held

    Blast radius
      targets        3: redis-server (pid 812), service db, service web
      bystanders     1: exporter\u{1b}[2J (pid 813)
      shared         1: net:[7]
      file systems   1: /data
      listening      1: tcp 10.0.0.2:6379 of redis-server (pid 812)
      connections    1: tcp 10.0.0.2:6379 – 10.0.0.9:40000 of redis-server (pid 812)
    ");
}

#[test]
fn the_json_has_the_class_of_every_act() {
    let plan = whole();
    let value = json(&plan, "hash").unwrap();
    let act = &value["entries"][2]["steps"][1]["acts"][1];
    assert_eq!(act["class"], "X");
    assert_eq!(act["act"]["signal"]["site"]["service"]["name"], "db");
    assert_eq!(value["longest"], json!("1m26s"));
    assert_eq!(serde_json::from_value::<Plan>(serde_json::to_value(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn the_hash_depends_on_what_is_done_and_not_on_who_is_connected() {
    let (one, mut other) = (whole(), whole());
    other.radius.flows.clear();
    assert_eq!(one.hash().unwrap(), other.hash().unwrap());
    other.seed += 1;
    assert_ne!(one.hash().unwrap(), other.hash().unwrap());
}

#[test]
fn who_shares_what_a_fault_changes_is_a_bystander() {
    let (target, other) = (process(50, "worker"), process(51, "sibling"));
    let mut around = candidates(std::slice::from_ref(&target), HOST_NETWORK);
    let sibling = Neighbour { cgroups: target.cgroups.clone(), ..neighbour(&other, HOST_NETWORK) };
    around.surroundings.neighbours.push(sibling);
    let radius = |fault: &Value| {
        let method = json!([{"target": {"process": {"pid": 50}}, "for": "1s", "fault": fault}]);
        plan(&experiment(method, json!({})), &around, &setting(1)).unwrap().radius
    };
    let stress = radius(&json!({"cpu-stress": {}}));
    assert_eq!(stress.bystanders, ["sibling (pid 51)"]);
    assert_eq!(stress.shared, ["cgroup /shop/worker"]);
    let pause = radius(&json!({"process-pause": {}}));
    assert!(pause.bystanders.is_empty() && pause.shared.is_empty());
}
