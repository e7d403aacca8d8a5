//! `network-partition`: what was named is cut, everything else passes, and flows go on afterwards.

use std::net::TcpListener;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::injection::Injection;
use super::lan::{Flow, Lan, apart, connects, ping_from_here, pings_here};
use super::oracle::descendants;
use crate::support::{skip, skip_unless_root};

/// Whether this kernel lacks what a partition needs. Says so.
pub(super) fn skip_without_tables() -> bool {
    if skip_unless_root() {
        return true;
    }
    let Ok(found) = shakedown::sys::net::nft::supported() else { return false };
    found.missing().inspect(|missing| skip(&format!("this kernel lacks {missing}"))).is_some()
}

/// Partitions the target, looks, and lets go; what `nft` lists before and after is the same.
fn partition(lan: &Lan, parameters: &[&str], look: impl FnOnce()) {
    let proof = partition_by(lan, parameters, look);
    assert!(proof.ends_with(" dropped"), "{proof}");
}

/// The same; returns what proved it.
fn partition_by(lan: &Lan, parameters: &[&str], look: impl FnOnce()) -> String {
    let before = lan.inside("nft list ruleset");
    let args = [&["network-partition", "--pid", lan.pid()], parameters].concat();
    let mut cut = Injection::start(&args);
    let during = lan.inside("nft list ruleset");
    assert!(during.contains("shakedown_") && during.contains("flags owner"), "{during}");
    look();
    cut.await_proof();
    let proofs = cut.stop().proofs();
    assert_eq!(lan.inside("nft list ruleset"), before);
    proofs[0].clone()
}

/// What curl says when it asks for something within two seconds: its exit code and its words.
fn curl(lan: Option<&Lan>, url: &str) -> (i32, String) {
    let mut command = match lan {
        Some(lan) => lan.command("curl"),
        None => Command::new("curl"),
    };
    let output = command.args(["-sS", "-m", "2", url]).output().expect("curl is installed");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("an exit code"), words)
}

#[test]
fn everything_is_cut_both_ways_and_goes_on() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut old = Flow::open("198.51.1.2:7");
        let mut six = Flow::open("[fd00:1::2]:7");
        partition(&lan, &[], || {
            old.is_cut();
            six.is_cut();
            assert!(!connects("198.51.1.2:7") && !connects("[fd00:1::2]:7"));
        });
        old.answers();
        six.answers();
        old.passes();
        Flow::open("198.51.1.2:7");
    });
}

#[test]
fn one_way_is_one_way() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        // Each knows the other's hardware address from now on.
        ping_from_here("198.51.1.2");
        for (direction, reaches_target, leaves_target) in
            [("from", false, true), ("to", true, false), ("both", false, false)]
        {
            partition(&lan, &[&format!("direction={direction}")], || {
                let before = (lan.pings_inside(), pings_here());
                ping_from_here("198.51.1.2");
                lan.ping_from_inside("198.51.1.1");
                let after = (lan.pings_inside(), pings_here());
                let arrived = (after.0 > before.0, after.1 > before.1);
                assert_eq!(arrived, (reaches_target, leaves_target), "{direction}");
            });
        }
    });
}

#[test]
fn only_the_named_peer_is_cut() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let mut flows = ["198.51.1.2:7", "198.51.2.2:7", "[fd00:1::2]:7"].map(Flow::open);
        for (peer, cut) in [("198.51.1.1", 0), ("198.51.2.0/24", 1), ("fd00:1::1", 2)] {
            partition(&lan, &[&format!("peers={{addresses: ['{peer}']}}")], || {
                for (index, flow) in flows.iter_mut().enumerate() {
                    if index == cut { flow.is_cut() } else { flow.passes() }
                }
            });
            flows[cut].answers();
        }
    });
}

#[test]
fn only_the_named_port_is_cut() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let (mut seven, mut eight) = (Flow::open("198.51.1.2:7"), Flow::open("198.51.1.2:8"));
        partition(&lan, &["peers={ports: [7]}"], || {
            seven.is_cut();
            eight.passes();
            assert!(!connects("198.51.1.2:7") && connects("198.51.1.2:8"));
        });
        seven.answers();
    });
}

/// Field failure D22: what a program sees tells how it was cut off, from either end.
#[test]
fn each_mode_looks_different_to_curl_at_both_ends() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        // Somebody here accepts, too, so that nothing but the fault refuses.
        let _here = TcpListener::bind("[::]:7").expect("the port is free");
        // curl(1): 7 is a connection that fails, 28 a time-out.
        for (mode, outward, inward, proof) in [
            ("drop", (28, "timed out"), (28, "timed out"), "dropped"),
            ("reset", (7, "refused"), (7, "refused"), "refused"),
            ("icmp", (7, "No route to host"), (7, "No route to host"), "refused"),
        ] {
            let parameters = [&*format!("mode={mode}"), "peers={ports: [7]}"];
            let proved = partition_by(&lan, &parameters, || {
                for (place, hosts, expected) in [
                    (Some(&lan), ["198.51.1.1", "[fd00:1::1]"], outward),
                    (None, ["198.51.1.2", "[fd00:1::2]"], inward),
                ] {
                    for host in hosts {
                        let (code, words) = curl(place, &format!("http://{host}:7/"));
                        assert_eq!(code, expected.0, "{mode} {host}: {words}");
                        let fits = words.contains(expected.1) || words.contains("Couldn't connect");
                        assert!(fits, "{mode} {host}: {words}");
                    }
                }
            });
            assert!(proved.ends_with(proof), "{proved}");
        }
    });
}

#[test]
fn a_reset_ends_established_connections() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flows = ["198.51.1.2:7", "[fd00:1::2]:7"].map(Flow::open);
        let mut bystander = Flow::open("198.51.1.2:8");
        partition_by(&lan, &["mode=reset", "peers={ports: [7]}"], || {
            flows.iter_mut().for_each(Flow::is_reset);
            bystander.passes();
        });
    });
}

/// In the lab machine, which has netem but no owned tables, and here.
#[test]
fn iptables_cuts_in_every_mode_with_netem_or_without() {
    use shakedown::sys::net::{Support, iptables, nft::Action};
    if skip_unless_root() {
        return;
    }
    if let Ok(Support::Missing { reason }) = iptables::supported(Action::Reset) {
        return skip(&format!("no iptables here: {reason}"));
    }
    apart(|| {
        let lan = Lan::new(1);
        for (mode, proof) in [("drop", "dropped"), ("reset", "refused"), ("icmp", "refused")] {
            let mut flows = ["198.51.1.2:7", "[fd00:1::2]:7"].map(Flow::open);
            let mut bystander = Flow::open("198.51.1.2:8");
            let mode = format!("mode={mode}");
            let args = ["network-partition", "--pid", lan.pid(), "engine=iptables", &mode];
            let mut cut = Injection::start(&[&args[..], &["peers={ports: [7]}"]].concat());
            for flow in &mut flows {
                if mode == "mode=reset" { flow.is_reset() } else { flow.is_cut() }
            }
            assert!(!connects("198.51.1.2:7") && !connects("[fd00:1::2]:7"));
            bystander.passes();
            cut.await_proof();
            let proofs = cut.stop().proofs();
            assert!(proofs[0].ends_with(proof), "{proofs:?}");
            let left = lan.inside("iptables-legacy-save") + &lan.inside("ip6tables-legacy-save");
            assert!(!left.contains("SD_"), "{left}");
            Flow::open("198.51.1.2:7");
        }
    });
}

#[test]
fn an_exception_is_left_alone() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let mut flows =
            ["198.51.1.2:7", "198.51.2.2:7", "[fd00:1::2]:7", "198.51.1.2:8"].map(Flow::open);
        let except = "except=[{addresses: [198.51.2.0/24]}, {ports: [8]}]";
        partition(&lan, &[except], || {
            let [cut, other_network, six, other_port] = &mut flows;
            cut.is_cut();
            six.is_cut();
            other_network.passes();
            other_port.passes();
        });
        flows[0].answers();
        flows[2].answers();
    });
}

/// The rules are a lease: an agent that is stopped, but not dead, keeps nobody cut off.
#[test]
fn a_stopped_agent_cuts_for_five_seconds_more() {
    if skip_without_tables() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let mut flow = Flow::open("198.51.1.2:7");
        let args = ["network-partition", "--pid", lan.pid()];
        let mut cut = Injection::start(&args);
        flow.is_cut();
        cut.await_proof();
        // Longer than the lease, it is cut all the same.
        std::thread::sleep(std::time::Duration::from_secs(6));
        flow.is_cut();
        let agent = <[i32; 1]>::try_from(descendants(cut.pid(), "agent")).expect("one agent")[0];
        signal(agent, Signal::SIGSTOP);
        flow.answers();
        signal(agent, Signal::SIGCONT);
        signal(cut.pid(), Signal::SIGINT);
        let run = cut.finish();
        run.ended(5, "aborted");
        assert!(run.told.contains("nobody renewed it for"), "{}", run.told);
    });
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it runs");
}
