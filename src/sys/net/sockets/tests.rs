use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::super::Namespace;
use super::super::testbed::{Pair, ip, privileged};
use super::*;
use crate::act::{Flow, Traffic};

fn traffic(flow: Flow) -> Traffic {
    Traffic { hooks: vec![], flow, except: vec![], interfaces: vec![] }
}

/// A connection from one namespace to the other: the client's end, the server's end.
fn connect(pair: &Pair, to: &str) -> (TcpStream, TcpStream) {
    let any = SocketAddr::new(ip(to), 0);
    let listener = pair.far.run_in(|| TcpListener::bind(any).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let client = pair.near.run_in(|| TcpStream::connect(address).unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn passes((client, server): &mut (TcpStream, TcpStream)) -> bool {
    client.write_all(b"!").is_ok() && server.read_exact(&mut [0]).is_ok()
}

#[test]
fn what_matches_is_cut_at_both_ends_and_nothing_else() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let mut flows = ["10.9.0.2", "10.9.0.3", "fd09::2"].map(|address| connect(&pair, address));
    for (index, peer) in ["10.9.0.2", "10.9.0.3", "fd09::/64"].into_iter().enumerate() {
        let flow = Flow { networks: vec![peer.parse().unwrap()], ..Flow::default() };
        let done = cut(&pair.near, &Owner::Anybody, &traffic(flow)).unwrap();
        assert_eq!(done, Cut { found: 1, gone: 1 }, "{peer}");
        let (client, server) = &mut flows[index];
        let mine = client.read(&mut [0]).unwrap_err().kind();
        let theirs = server.read(&mut [0]).unwrap_err().kind();
        assert_eq!((mine, theirs), (ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset));
        assert!(flows[index + 1..].iter_mut().all(passes), "{peer}");
    }
}

#[test]
fn exceptions_and_ports_are_minded() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let mut spared = connect(&pair, "10.9.0.2");
    let mut cut_off = connect(&pair, "10.9.0.2");
    let port = spared.1.local_addr().unwrap().port().to_string().parse().unwrap();
    let mut all = traffic(Flow::default());
    all.except.push(Flow { remote_ports: vec![port], ..Flow::default() });
    assert_eq!(cut(&pair.near, &Owner::Anybody, &all).unwrap(), Cut { found: 1, gone: 1 });
    assert!(passes(&mut spared) && !passes(&mut cut_off));
    let nothing = traffic(Flow { local_ports: vec![port], ..Flow::default() });
    assert_eq!(cut(&pair.near, &Owner::Anybody, &nothing).unwrap(), Cut::default());
}

#[test]
fn a_connection_within_counts_once_and_listeners_stay() {
    if !privileged() {
        return;
    }
    let scratch = Namespace::create().unwrap();
    let (listener, client) = scratch
        .run_in(|| {
            let listener = TcpListener::bind("[::]:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            (listener, client)
        })
        .unwrap();
    // Nobody has accepted it: it is whose listener it is.
    let owner = Owner::processes(&[std::process::id().cast_signed()]);
    let local = client.local_addr().unwrap();
    let flow = Flow { networks: vec!["127.0.0.1".parse().unwrap()], ..Flow::default() };
    let sockets = SocketDiag::open(&scratch).unwrap().tcp().unwrap();
    let waiting = sockets.iter().find(|socket| socket.remote == local).unwrap();
    assert_eq!((waiting.inode, waiting.local.ip()), (0, ip("127.0.0.1")));
    assert_eq!(owner.of(&sockets).len(), 3);
    let done = cut(&scratch, &owner, &traffic(flow)).unwrap();
    assert_eq!(done, Cut { found: 1, gone: 1 });
    let sockets = SocketDiag::open(&scratch).unwrap().tcp().unwrap();
    assert!(sockets.iter().all(|socket| socket.listening) && sockets.len() == 1);
    drop(listener);
}

#[test]
fn strangers_in_the_same_namespace_keep_their_connections() {
    if !privileged() {
        return;
    }
    let pair = Pair::new();
    let mut flow = connect(&pair, "10.9.0.2");
    let nobody = Owner::processes(&[i32::MAX]);
    let done = cut(&pair.near, &nobody, &traffic(Flow::default())).unwrap();
    assert_eq!(done, Cut::default());
    assert!(passes(&mut flow));
    let sockets = SocketDiag::open(&pair.near).unwrap().tcp().unwrap();
    assert_eq!(Owner::Anybody.of(&sockets).len(), 1);
}

#[test]
fn the_kernel_is_asked_by_trying() {
    if privileged() {
        println!("{:?}", destroy_supported().unwrap());
    }
}
