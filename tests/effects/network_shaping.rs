//! Packets impaired by queueing disciplines of the kernel's: which ones, by whom, and that nothing
//! stays, whenever both our processes are killed.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shakedown::sys::net::{Support, netem, nft, tbf};

use super::injection::{Injection, refused};
use super::lan::{Flow, Lan, apart};
use super::oracle::eventually;
use crate::support::{Sandbox, skip, skip_unless_root};

/// Whether this kernel lacks something. Says so.
fn skip_without(name: &str, support: impl Fn() -> anyhow::Result<Support>) -> bool {
    match support() {
        _ if skip_unless_root() => true,
        Ok(Support::Supported) => false,
        Ok(Support::Missing { reason }) => {
            skip(&format!("this kernel has no {name}: {reason}"));
            true
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// All that tc and ip say of the target's network.
fn listing(lan: &Lan) -> String {
    eventually("the cables are plugged in", || !lan.inside("ip link show").contains("NO-CARRIER"));
    let lines = ["tc -d qdisc show", "tc filter show dev eth1", "ip -d link show"];
    lines.map(|line| lan.inside(line)).join("\n")
}

/// The median of some round trips.
fn round_trip(flow: &mut Flow) -> Duration {
    let mut trips = [(); 9].map(|()| {
        let began = Instant::now();
        flow.passes();
        began.elapsed()
    });
    trips.sort_unstable();
    trips[4]
}

#[test]
fn netem_delays_what_matches_both_ways_and_nothing_else() {
    if skip_without("netem", netem::supported) {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let addresses = ["198.51.1.2:7", "[fd00:1::2]:7", "198.51.1.2:8", "[fd00:1::2]:8"];
        let mut flows = addresses.map(Flow::open);
        let before = listing(&lan);
        let args = ["network-latency", "--pid", lan.pid(), "delay=80ms", "engine=netem"];
        let part = ["direction=both", "peers={local-ports: [7]}", "interfaces=[eth1]"];
        let mut delay = Injection::start(&[&args[..], &part].concat());
        for (flow, matches) in flows.iter_mut().zip([true, true, false, false]) {
            let trip = round_trip(flow).as_secs_f64();
            println!("round trip {trip:.4} s, matches: {matches}");
            assert!(if matches { (0.16..0.19).contains(&trip) } else { trip < 0.06 }, "{trip}");
        }
        delay.await_proof();
        let proofs = delay.stop().proofs();
        assert!(proofs[0].ends_with("packets delayed, none lost"), "{proofs:?}");
        assert_eq!(listing(&lan), before);
        assert!(flows.iter_mut().all(|flow| round_trip(flow) < Duration::from_millis(60)));
    });
}

#[test]
fn tbf_limits_what_matches_and_goes() {
    if skip_without("tbf", tbf::supported) {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        let mut flow = Flow::open("198.51.1.2:7");
        let before = listing(&lan);
        // 64 bits at least every 8 ms: an answer of 67 bytes or so takes its time.
        let args = ["network-rate", "--pid", lan.pid(), "rate=8kbit/s", "engine=tbf", "queue=10s"];
        let part = ["direction=both", "peers={local-ports: [7], addresses: [198.51.1.1]}"];
        let mut rate = Injection::start(&[&args[..], &part].concat());
        let shaped = listing(&lan);
        let on = |name: &str| shaped.contains(&format!("5d02: dev {name} root"));
        assert!(shaped.contains("tbf") && shaped.contains("dev eth1"), "{shaped}");
        assert!(!on("eth2"), "only the interface with the route is touched: {shaped}");
        (0..40).for_each(|_| flow.passes());
        rate.await_proof();
        let proofs = rate.stop().proofs();
        assert!(proofs[0].contains("held back"), "{proofs:?}");
        assert_eq!(listing(&lan), before);
    });
}

#[test]
fn tbf_takes_no_foreign_place() {
    if skip_without("tbf", tbf::supported) {
        return;
    }
    apart(|| {
        let lan = Lan::new(2);
        lan.inside(
            "tc qdisc add dev eth2 root handle 7: tbf rate 10mbit burst 32kbit latency 400ms",
        );
        let before = listing(&lan);
        let args =
            ["network-rate", "--pid", lan.pid(), "rate=1Mbit/s", "engine=tbf", "--for", "1s"];
        if nft::supported().expect("the kernel can be asked").forward.is_supported() {
            let root = || lan.inside("tc -d qdisc show dev eth2");
            let roots = root();
            let rate = Injection::start(&args[..args.len() - 2]);
            assert_eq!(root(), roots, "it stays where it is, and packets take a detour");
            rate.stop();
        } else {
            let said = refused(&args);
            assert!(said.contains("eth2 has the queueing discipline tbf 7:"), "{said}");
        }
        assert_eq!(listing(&lan), before);
        let said = refused(&[&args[..], &["peers={addresses: [192.0.2.1]}"]].concat());
        assert!(said.contains("carries a route to 192.0.2.1"), "{said}");
    });
}

/// Kills agent and controller when the agent comes to this point for this time; whether it did.
fn kill_both(sandbox: &Sandbox, args: &[&str], point: &str) -> bool {
    let path = sandbox.path("point");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket can be made");
    let mut command = sandbox.command(["inject"]);
    command.args(args).env("SHAKEDOWN_FAILPOINT", format!("{point}:{}", path.display()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut controller = command.spawn().expect("the program can be started");
    listener.set_nonblocking(true).expect("it can wait");
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if controller.try_wait().expect("it is ours").is_some() => return false,
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    stream.set_nonblocking(false).expect("it can block");
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).expect("the agent says who it is");
    let agent: i32 = line.trim().rsplit(' ').next().expect("its number").parse().expect("a number");
    let tool = Pid::from_raw(i32::try_from(controller.id()).expect("a process id fits"));
    // Stopped first, or it would repair what its agent left.
    kill(tool, Signal::SIGSTOP).expect("it runs");
    kill(Pid::from_raw(agent), Signal::SIGKILL).expect("it runs");
    kill(tool, Signal::SIGKILL).expect("it is there");
    controller.wait().expect("it is ours");
    eventually("the agent is gone", || !std::path::Path::new(&format!("/proc/{agent}")).exists());
    true
}

/// At each step of these, in both directions; how many steps there were.
fn nothing_is_left(args: &[&str], points: &[&str]) -> usize {
    let lan = Lan::new(2);
    let before = listing(&lan);
    let sandbox = Sandbox::new();
    let part = ["direction=both", "peers={local-ports: [7]}", "--for", "1ms", "--pid", lan.pid()];
    let args = [args, &part].concat();
    let mut steps = 0;
    for point in points {
        for count in 1.. {
            if !kill_both(&sandbox, &args, &format!("{point}#{count}")) {
                break;
            }
            let midway = listing(&lan);
            assert!(point.ends_with("undo") || midway != before, "{point}#{count}");
            let status = sandbox.run(["status"]);
            assert_eq!(status.code, Some(0), "{point}#{count}: {status}");
            assert_eq!(listing(&lan), before, "{point}#{count}");
            steps += 1;
        }
    }
    println!("killed at {steps} steps, nothing was left");
    steps
}

#[test]
fn nothing_of_tbf_is_left_whenever_both_are_killed() {
    if skip_without("tbf", tbf::supported) {
        return;
    }
    apart(|| {
        let points = ["mid-apply", "after-apply", "mid-undo", "after-undo"];
        let args = ["network-rate", "rate=1Mbit/s", "engine=tbf"];
        assert!(nothing_is_left(&args, &points) >= 20);
    });
}

#[test]
fn nothing_of_netem_is_left_whenever_both_are_killed() {
    if skip_without("netem", netem::supported) {
        return;
    }
    apart(|| {
        // The lab is slow: only the steps in which netem differs from tbf, on one interface.
        let args = ["network-latency", "delay=20ms", "engine=netem", "interfaces=[eth1]"];
        assert!(nothing_is_left(&args, &["mid-apply"]) >= 7);
    });
}
