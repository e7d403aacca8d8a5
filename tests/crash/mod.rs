//! The crash matrix: every fault × every point of its life × everything that can go wrong there.
//! Whatever happens, the state after equals the state before within two seconds, the exit code is
//! right, the journal is closed, and nothing of the run is left.
//!
//! One test a fault; the cells are generated. `SHAKEDOWN_CELLS=mid-undo` runs only the cells whose
//! name, such as `disk-fill/mid-undo/EIO on the journal`, contains that text.

mod asker;
mod cell;
mod controller;
mod event;
mod expected;
mod experiment;
mod matrix;
mod point;
mod stage;
mod state;
mod table;
mod target;

use table::{Fault, Network};

#[test]
fn process_kill() {
    matrix::check(Fault::Kill);
}

#[test]
fn process_pause_by_ptrace() {
    matrix::check(Fault::PauseByPtrace);
}

#[test]
fn process_pause_by_freezer() {
    matrix::check(Fault::PauseByFreezer);
}

#[test]
fn process_pause_that_pulses() {
    matrix::check(Fault::Pulse);
}

#[test]
fn process_restart() {
    matrix::check(Fault::Restart);
}

#[test]
fn cpu_stress() {
    matrix::check(Fault::Stress);
}

#[test]
fn disk_fill() {
    matrix::check(Fault::Fill);
}

#[test]
fn network_partition() {
    matrix::check(Fault::Partition);
}

#[test]
fn network_latency_by_netem() {
    matrix::check(Fault::Latency);
}

#[test]
fn network_partition_of_a_process() {
    matrix::check(Fault::Network(Network::Drop));
}

#[test]
fn network_partition_by_reset() {
    matrix::check(Fault::Network(Network::Reset));
}

#[test]
fn network_partition_by_iptables() {
    matrix::check(Fault::Network(Network::Chains));
}

#[test]
fn network_loss_by_nft() {
    matrix::check(Fault::Network(Network::Loss));
}

#[test]
fn network_latency_by_queue() {
    matrix::check(Fault::Network(Network::Delay));
}

#[test]
fn network_rate_by_tbf() {
    matrix::check(Fault::Network(Network::Rate));
}

#[test]
fn network_connection_reset() {
    matrix::check(Fault::Network(Network::Connections));
}

#[test]
fn network_dns_failure() {
    matrix::check(Fault::Network(Network::Names));
}

#[test]
fn network_http_fault() {
    matrix::check(Fault::Network(Network::Http));
}

#[test]
fn network_tcp_proxy() {
    matrix::check(Fault::Network(Network::Stream));
}
