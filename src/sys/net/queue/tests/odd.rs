//! Packets that are not like others: they arrive all the same, late and once.

use nix::sys::socket::{setsockopt, sockopt};

use super::super::super::testbed::index;
use super::super::super::{RouteSocket, add_address};
use super::stream::Stream;
use super::*;

const GAP: Duration = Duration::from_millis(2);

#[test]
fn large_marked_and_bound_ones_arrive() {
    if !possible() {
        return;
    }
    let pair = pair();
    for address in ["10.9.0.2", "fd09::2"] {
        let queued = Queued::put(&pair.near, &[Hook::Egress], delay("20ms"));
        let ends = (&pair.near, &pair.far);
        let large = Stream::with(ends.0, ends.1, (address, 9001), (GAP, 8000), |_| {});
        let marked = Stream::with(ends.0, ends.1, (address, 9002), (GAP, 64), |socket| {
            setsockopt(socket, sockopt::Mark, &7).unwrap();
        });
        let bound = Stream::with(ends.0, ends.1, (address, 9003), (GAP, 64), |socket| {
            setsockopt(socket, sockopt::BindToDevice, &"eth0".into()).unwrap();
        });
        bound.let_pass(100);
        for (name, stream) in [("large", large), ("marked", marked), ("bound", bound)] {
            let course = stream.finish();
            assert_eq!((course.lost(), course.overtaking()), (0, 0), "{name} {address}");
            assert_eq!(course.arrivals.len() as u64, course.sent, "{name} {address}");
            assert!(course.times()[0] >= 20.0, "{name} {address}: {:?}", course.times()[0]);
        }
        assert_eq!(queued.remove().mishap(), None);
    }
}

#[test]
fn link_local_ones_arrive() {
    if !possible() {
        return;
    }
    let pair = pair();
    for (namespace, address) in [(&pair.near, "fe80::1/64"), (&pair.far, "fe80::2/64")] {
        let socket = RouteSocket::open(namespace).unwrap();
        add_address(&socket, index(namespace), address.parse().unwrap()).unwrap();
    }
    let queued = Queued::put(&pair.near, &[Hook::Ingress, Hook::Egress], delay("20ms"));
    let output = super::super::super::testbed::run(
        &pair.near,
        "ping",
        &["-n", "-U", "-c5", "-i0.01", "-W2", "fe80::2%eth0"],
    );
    let text = super::super::super::testbed::stdout(&output);
    assert!(text.contains(" 0% packet loss") && text.contains("time=4"), "{text}");
    let figures = queued.remove();
    assert_eq!((figures.mishap(), figures.refused), (None, 0));
}
