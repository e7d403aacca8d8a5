//! Real sockets through a real proxy, redirected by a packet filter.

mod http;
mod stop;
mod tcp;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::super::nft::{self, Action, OwnedTable, Plan};
use super::super::testbed::{Pair, ip, privileged};
use super::Proxy;
use crate::act::{Flow, Hook, ProxyWork, Traffic};
use crate::spec::Protocol;

/// The bit that keeps the proxy's own connections out of the proxy.
const MARK: u32 = 1 << 28;
/// The port of the servers.
const PORT: u16 = 8080;
/// Both addresses of the far side.
const BOTH: [&str; 2] = ["10.9.0.2", "fd09::2"];

/// A proxy on the far side of a cable, before a server there.
struct Rig {
    pair: Pair,
    proxy: Option<Proxy>,
    _table: OwnedTable,
}

/// Whether connections can be redirected here; says why when not.
fn possible() -> bool {
    if !privileged() {
        return false;
    }
    let support = nft::supported().unwrap();
    let missing = support.missing_for(Action::Redirect { port: 1 });
    missing.inspect(|missing| println!("skipped: {missing}")).is_none()
}

impl Rig {
    /// With a server that does this on each of its connections.
    fn new(work: serde_json::Value, serve: fn(TcpStream)) -> Self {
        let pair = Pair::new();
        let any = SocketAddr::from(([0_u16; 8], PORT));
        let listener = pair.far.run_in(|| TcpListener::bind(any).unwrap()).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || serve(stream));
            }
        });
        let work: ProxyWork = serde_json::from_value(work).unwrap();
        let proxy = Proxy::start(&pair.far, &work, 1, MARK).unwrap();
        let ports = vec![PORT.to_string().parse().unwrap()];
        let flow = Flow { local_ports: ports, protocols: vec![Protocol::Tcp], ..Flow::default() };
        let traffic =
            Traffic { hooks: vec![Hook::Ingress], flow, except: vec![], interfaces: vec![] };
        let action = Action::Redirect { port: proxy.port() };
        let plan = Plan { traffic: &traffic, action, cgroup: None, skip_mark: Some(MARK) };
        let table = OwnedTable::create(&pair.far, "shakedown_proxy_test", &plan).unwrap();
        Self { pair, proxy: Some(proxy), _table: table }
    }

    /// A connection from the near side.
    fn connect(&self, to: &str) -> TcpStream {
        let address = SocketAddr::new(ip(to), PORT);
        let stream = self.pair.near.run_in(|| TcpStream::connect(address).unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }
}

/// Toxics with their fields as in a file.
fn toxics(toxics: &serde_json::Value) -> serde_json::Value {
    json!({ "tcp": toxics })
}

/// Sends back what it gets, and ends when its client does.
fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 16384];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
