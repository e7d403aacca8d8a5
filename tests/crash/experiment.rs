//! The smallest experiment with a fault: one cheap probe, and as little time as it needs.

use super::stage::Stage;
use super::table::{Cell, Event, Fault, Point};
use super::target::{self, ADDRESS};

/// The name of the service that faults on a service are aimed at.
pub(super) const SERVICE: &str = "it";
/// Where it listens, where its network is its own.
const PORT: u16 = 18400;

/// The experiment's text.
pub(super) fn experiment(cell: Cell, stage: &Stage) -> String {
    let fault = cell.fault;
    let target = match stage.target() {
        Some(target) => format!("process: {{ pid: {} }}", target.pid()),
        None => format!("service: {SERVICE}"),
    };
    format!(
        "version: 1
title: a cell of the crash matrix
{services}
hypothesis:
  title: a bystander can be reached
  before: {window}ms
  after: {window}ms
  probes:
    - name: bystander
      tcp: {{ address: '{bystander}', rate: {rate}/s, timeout: 1s }}
      tolerance: {{ success: {{ at-least: 100% }} }}
{probe}
blast-radius: {{ allow: [irreversible, memory-fs] }}
method:
  - name: it
    target: {{ {target} }}
    fault: {fault}
{length}
",
        window = 60 * pace(),
        rate = rate(),
        services = services(fault),
        bystander = stage.bystander(),
        probe = probe(fault),
        fault = parameters(fault, stage),
        length = length(cell),
    )
}

fn parameters(fault: Fault, stage: &Stage) -> String {
    match fault {
        Fault::Kill => "process-kill".to_owned(),
        Fault::PauseByPtrace => "{ process-pause: { method: ptrace } }".to_owned(),
        Fault::PauseByFreezer | Fault::Pulse => "{ process-pause: { method: freezer } }".to_owned(),
        Fault::Restart => "{ process-restart: { down: 50ms } }".to_owned(),
        Fault::Stress => "{ cpu-stress: { cores: 2, load: 5% } }".to_owned(),
        Fault::Fill => {
            let path = stage.disk().expect("a fill has a disk");
            format!("{{ disk-fill: {{ path: '{}', size: 8MiB }} }}", path.display())
        }
        Fault::Partition => "network-partition".to_owned(),
        Fault::Latency => "{ network-latency: { delay: 5ms, engine: netem } }".to_owned(),
        Fault::Network(network) => network.parameters().to_owned(),
    }
}

fn length(Cell { fault, point, event }: Cell) -> String {
    match fault {
        // What is over at once leaves no time to measure.
        Fault::Kill | Fault::Restart => format!("  - wait: {}ms", 60 * pace()),
        // The second pulse is the last one; it begins when this long has passed twice.
        Fault::Pulse => {
            pulses(150 * pace(), event == Event::StopController && point < Point::MidUndo)
        }
        // Long enough that what must end the fault is not its own end.
        _ if event == Event::StopController && point < Point::MidUndo => "    for: 20s".to_owned(),
        // Packets must come, and meet it.
        _ if fault.is_in_a_network() || fault.has_own_network() => {
            format!("    for: {}ms", 300 * pace())
        }
        _ => format!("    for: {}ms", 150 * pace()),
    }
}

/// Two pulses with a time as long between; the second one may be long.
fn pulses(millis: u32, long: bool) -> String {
    let rest = if long { 20_000 } else { 3 * millis };
    format!("    for: {rest}ms\n    pulse: {{ on: {millis}ms, off: {millis}ms }}")
}

fn services(fault: Fault) -> String {
    let (command, network) = match fault {
        _ if !fault.is_on_a_service() => return String::new(),
        Fault::Restart => ("[sleep, '1000']".to_owned(), "host"),
        _ => {
            let address = format!("\"${{service.{SERVICE}.address}}:{PORT}\"");
            (format!("[\"${{shakedown}}\", demo, replica, --listen, {address}]"), "own")
        }
    };
    format!("services:\n  {SERVICE}: {{ command: {command}, network: {network} }}")
}

/// A fault in a network is proved by packets that meet it.
fn probe(fault: Fault) -> String {
    if fault.has_own_network() {
        return format!(
            "    - name: traffic
      http: {{ url: 'http://{ADDRESS}:{}/', rate: {}/s, timeout: 50ms }}
      tolerance: {{ success: {{ at-least: 0% }} }}",
            target::PORT,
            rate(),
        );
    }
    if !fault.is_in_a_network() {
        return String::new();
    }
    format!(
        "    - name: traffic
      tcp: {{ address: \"${{service.{SERVICE}.address}}:{PORT}\", rate: {rate}/s, timeout: 50ms }}
      tolerance: {{ success: {{ at-least: 0% }} }}",
        rate = rate(),
    )
}

/// How often each probe looks, in a second.
fn rate() -> u32 {
    100 / pace()
}

/// How much longer everything lasts on a machine with one processor, such as the lab's.
pub(super) fn pace() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if processors > 1 { 1 } else { 4 }
}
