//! Namespaces, links and the run's network, with real packets.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use super::testbed::{
    PATIENCE, Server, hold, holder_namespace, ip, network, privileged, start_holder, tcp,
    wait_until,
};
use super::*;
use crate::act::JoinNetwork;

#[test]
fn a_namespace_is_found_by_its_identity_while_a_process_is_in_it() {
    if !privileged() {
        return;
    }
    let namespace = Namespace::create().unwrap();
    let id = namespace.id();
    assert_ne!(id, Namespace::current().unwrap().id());
    assert!(Namespace::find(id).unwrap().is_none(), "nobody is in it");
    let mut child = namespace.run_in(|| Command::new("sleep").arg("60").spawn().unwrap()).unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    assert_eq!(Namespace::of_process(pid).unwrap().id(), id);
    assert_eq!(Namespace::find(id).unwrap().unwrap().id(), id);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Namespace::find(id).unwrap().is_none());
}

#[test]
fn running_in_a_namespace_leaves_the_caller_where_it_is() {
    if !privileged() {
        return;
    }
    let here = Namespace::current().unwrap().id();
    let namespace = Namespace::create().unwrap();
    let there = namespace.run_in(|| Namespace::current().unwrap().id()).unwrap();
    assert_eq!(there, namespace.id());
    assert_eq!(Namespace::current().unwrap().id(), here);
}

#[test]
fn a_new_namespace_has_its_loopback_up() {
    if !privileged() {
        return;
    }
    let namespace = Namespace::create().unwrap();
    let all = links(&RouteSocket::open(&namespace).unwrap()).unwrap();
    let [loopback] = &all[..] else { panic!("{all:?}") };
    assert!(loopback.up && loopback.loopback && loopback.name == "lo");
}

#[test]
fn the_kernels_words_reach_the_error() {
    if !privileged() {
        return;
    }
    let namespace = Namespace::create().unwrap();
    let socket = RouteSocket::open(&namespace).unwrap();
    let error = delete_link(&socket, 4711).unwrap_err();
    insta::assert_snapshot!(format!("{error:#}"), @"cannot delete interface 4711: the kernel refuses: No such device (ENODEV)");
}

fn leg() -> Leg {
    Leg { interface: "sd-test".into(), mac: random_mac() }
}

fn join() -> JoinNetwork {
    JoinNetwork { addresses: vec![network("198.18.7.1/24")] }
}

#[test]
fn services_reach_each_other_and_the_host() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let before = snapshot(&host).unwrap();
    let leg = leg();
    let mut bridge = Bridge::create(&host, &join(), leg.clone()).unwrap();
    let one = bridge.attach(&[network("198.18.7.2/24")]).unwrap();
    let two = bridge.attach(&[network("198.18.7.3/24")]).unwrap();
    let servers = [Server::start(&two, 8080), Server::start(&host, 8081)];
    assert!(tcp(&one, "198.18.7.3", servers[0].port));
    assert!(tcp(&host, "198.18.7.3", servers[0].port));
    assert!(tcp(&one, "198.18.7.1", servers[1].port));
    let found = link_named(&RouteSocket::open(&host).unwrap(), "sd-test").unwrap().unwrap();
    assert_eq!(found.mac, Some(bridge.mac()));
    assert!(bridge.attach(&[network("198.18.7.1/24")]).is_err(), "the host's own address");
    assert!(bridge.attach(&[network("10.0.0.1/24")]).is_err(), "outside the subnet");
    assert_eq!(bridge.remove(&host).unwrap(), Removed::Deleted);
    assert_eq!(snapshot(&host).unwrap(), before);
    assert_eq!(leave(&host, &leg).unwrap(), Removed::AlreadyGone);
}

#[test]
fn a_run_network_of_ipv6_works_too() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let subnet = JoinNetwork { addresses: vec![network("fd12:7::1/64")] };
    let mut bridge = Bridge::create(&host, &subnet, leg()).unwrap();
    let one = bridge.attach(&[network("fd12:7::2/64")]).unwrap();
    let server = Server::start(&one, 8080);
    assert!(tcp(&host, "fd12:7::2", server.port));
}

#[test]
fn a_network_in_use_is_refused() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let first = Bridge::create(&host, &join(), leg()).unwrap();
    let other = Leg { interface: "sd-other".into(), mac: random_mac() };
    let error = Bridge::create(&host, &join(), other).unwrap_err();
    insta::assert_snapshot!(format!("{error:#}"), @"the run's network 198.18.7.0/24 is in use on this host: the address 198.18.7.1/24");
    drop(first);
}

#[test]
fn a_free_subnet_is_given_once() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let free =
        || host.run_in(|| free_subnets(&RouteSocket::open(&host).unwrap()).unwrap()).unwrap();
    let (first, reserved) = free();
    assert_eq!(first[0], network("198.18.0.0/24"));
    assert!(first.len() == 1 || first[1] == network("fd73:6864:6e00::/64"));
    assert_eq!(free().0[0], network("198.18.1.0/24"));
    drop(reserved);
    assert_eq!(free().0, first);
    let socket = RouteSocket::open(&host).unwrap();
    add_address(&socket, 1, network("198.18.0.9/23")).unwrap();
    assert_eq!(free().0[0], network("198.18.2.0/24"));
    if first.len() == 2 {
        add_address(&socket, 1, network("fd73:6864:6e00:2::9/64")).unwrap();
        assert_eq!(free().0[0], network("198.18.3.0/24"));
    }
}

#[test]
fn a_strangers_interface_of_the_same_name_is_left_alone() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let bridge = Bridge::create(&host, &join(), leg()).unwrap();
    let before = snapshot(&host).unwrap();
    let other = Leg { mac: random_mac(), ..leg() };
    assert!(matches!(leave(&host, &other).unwrap(), Removed::NotOurs { .. }));
    assert!(
        Bridge::create(&host, &JoinNetwork { addresses: vec![network("198.18.9.1/24")] }, other)
            .is_err()
    );
    assert_eq!(snapshot(&host).unwrap(), before);
    drop(bridge);
}

#[test]
fn holder_of_a_bridge() {
    if let Some(host) = holder_namespace() {
        let mut bridge = Bridge::create(&host, &join(), leg()).unwrap();
        let service = bridge.attach(&[network("198.18.7.2/24")]).unwrap();
        hold((bridge, service));
    }
}

#[test]
fn the_run_network_vanishes_with_its_holder() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let before = snapshot(&host).unwrap();
    let mut holder = start_holder("sys::net::tests::holder_of_a_bridge", &host);
    assert!(tcp_refused(&host, "198.18.7.2"), "the service's address answers");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let took = wait_until(|| snapshot(&host).unwrap() == before).expect("the host's leg stays");
    println!("the host's leg was gone {took:?} after its holder");
}

#[test]
fn the_run_network_does_not_wait_for_its_services() {
    if !privileged() {
        return;
    }
    let host = Namespace::create().unwrap();
    let before = snapshot(&host).unwrap();
    let mut bridge = Bridge::create(&host, &join(), leg()).unwrap();
    let service = bridge.attach(&[network("198.18.7.2/24")]).unwrap();
    let mut process = service.run_in(|| Command::new("sleep").arg("60").spawn().unwrap()).unwrap();
    drop(bridge);
    wait_until(|| snapshot(&host).unwrap() == before).expect("the host's leg stays");
    let left = links(&RouteSocket::open(&service).unwrap()).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(left.len(), 1, "a service without its switch has its loopback only: {left:?}");
}

/// Whether somebody is at the address who says that nobody listens.
fn tcp_refused(from: &Namespace, to: &str) -> bool {
    let address = SocketAddr::new(ip(to), 9);
    from.run_in(|| TcpStream::connect_timeout(&address, PATIENCE))
        .unwrap()
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}
