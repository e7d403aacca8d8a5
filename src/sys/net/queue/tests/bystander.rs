//! Who is not meant, and what is left when it ends.

use std::time::Duration;

use super::super::super::testbed::{hold, holder_namespace, network, start_holder};
use super::super::proc_file::queue_state;
use super::stream::Stream;
use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Packets to one address.
fn to(address: &str) -> Flow {
    Flow { networks: vec![network(address)], ..Flow::default() }
}

#[test]
fn a_flow_that_does_not_match_loses_nothing() {
    if !possible() {
        return;
    }
    let pair = pair();
    let bystander = Stream::start(&pair.near, &pair.far, "10.9.0.3", MILLISECOND);
    let victim = Stream::start(&pair.near, &pair.far, "10.9.0.2", MILLISECOND);
    let both = [Hook::Ingress, Hook::Egress];
    bystander.let_pass(100);
    for _ in 0..5 {
        let queued = Queued::put_on(&pair.near, &both, to("10.9.0.2"), delay("30ms"));
        bystander.let_pass(200);
        assert_eq!(queued.remove().mishap(), None);
        bystander.let_pass(50);
    }
    let (bystander, victim) = (bystander.finish(), victim.finish());
    assert_eq!((bystander.lost(), bystander.overtaking()), (0, 0), "of {}", bystander.sent);
    assert_eq!(victim.lost(), 0, "of {}", victim.sent);
    assert!(victim.overtaking() <= 5, "once for each removal: {}", victim.overtaking());
    let longest = victim.times().last().copied().unwrap();
    assert!(bystander.median() < 5.0 && longest > 29.0, "{} {longest}", bystander.median());
}

#[test]
fn what_is_held_is_let_go_in_order_and_nothing_is_lost() {
    if !possible() {
        return;
    }
    let pair = pair();
    for (hook, from, into) in
        [(Hook::Egress, &pair.near, &pair.far), (Hook::Ingress, &pair.far, &pair.near)]
    {
        let address = if hook == Hook::Egress { "fd09::2" } else { "fd09::1" };
        let stream = Stream::start(from, into, address, Duration::from_micros(200));
        let queued = Queued::put(&pair.near, &[hook], delay("300ms"));
        stream.let_pass(3000);
        let figures = queued.remove();
        stream.let_pass(500);
        let course = stream.finish();
        assert_eq!(figures.mishap(), None);
        assert_eq!(course.lost(), 0, "{hook:?} of {}", course.sent);
        assert!(course.overtaking() <= 1, "{hook:?}: {}", course.overtaking());
        assert!(figures.median_wait() > Duration::from_millis(100), "{hook:?}: {figures:?}");
    }
}

/// Not a test of its own: what the next one kills.
#[test]
fn holds_packets() {
    if let Some(namespace) = holder_namespace() {
        hold(Queued::put(&namespace, &[Hook::Ingress, Hook::Egress], delay("20ms")));
    }
}

#[test]
fn packets_pass_when_the_holder_is_killed() {
    if !possible() {
        return;
    }
    let pair = pair();
    for (from, into, address) in
        [(&pair.near, &pair.far, "10.9.0.2"), (&pair.far, &pair.near, "10.9.0.1")]
    {
        let mut holder =
            start_holder("sys::net::queue::tests::bystander::holds_packets", &pair.near);
        let stream = Stream::start(from, into, address, MILLISECOND);
        stream.let_pass(300);
        holder.kill().unwrap();
        holder.wait().unwrap();
        stream.let_pass(300);
        let course = stream.finish();
        // Those that were held are gone, as many as 20 ms carry; a busy machine kills slowly.
        println!("{address}: {} of {} lost", course.lost(), course.sent);
        assert!(course.lost() < 60, "{}", course.lost());
        let last: Vec<_> = course.arrivals.iter().rev().take(100).collect();
        assert!(last.iter().all(|arrival| arrival.took < Duration::from_millis(15)), "{last:?}");
        assert_eq!(pair.near.run_in(|| queue_state(0x5d00).unwrap()).unwrap(), None);
        assert!(super::super::super::nft::tables(&pair.near).unwrap().is_empty());
    }
}
