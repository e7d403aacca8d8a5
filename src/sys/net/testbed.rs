//! Namespaces that tests make for themselves, and what they send through them. Nothing here touches
//! the network of the machine that runs the tests.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::spec::quantity::IpNetwork;

/// How long a packet that was not lost may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);
/// Names the namespace that a holder process is to work in.
const HOLDER: &str = "SHAKEDOWN_TEST_NAMESPACE";

/// Whether the test can run here; says why when not.
pub(super) fn privileged() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: making network namespaces takes root");
    }
    root && Namespace::create()
        .map_err(|error| println!("skipped: no network namespaces here: {error:#}"))
        .is_ok()
}

pub(super) fn network(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Two namespaces joined by a cable: `eth0` at either end, `10.9.0.1` and `fd09::1` at the near
/// one, `10.9.0.2`, `10.9.0.3` and `fd09::2` at the far one.
pub(super) struct Pair {
    pub(super) near: Namespace,
    pub(super) far: Namespace,
}

impl Pair {
    pub(super) fn new() -> Self {
        let (near, far) = (Namespace::create().unwrap(), Namespace::create().unwrap());
        let end = |namespace| VethEnd { namespace, name: "eth0", mac: None };
        add_veth(&end(&near), &end(&far)).unwrap();
        let near_addresses = ["10.9.0.1/24", "fd09::1/64"];
        let far_addresses = ["10.9.0.2/24", "10.9.0.3/24", "fd09::2/64"];
        for (namespace, addresses) in [(&near, &near_addresses[..]), (&far, &far_addresses)] {
            let socket = RouteSocket::open(namespace).unwrap();
            let index = index(namespace);
            without_link_local(&socket, index).unwrap();
            for address in addresses {
                add_address(&socket, index, network(address)).unwrap();
            }
            set_up(&socket, index).unwrap();
        }
        Self { near, far }
    }
}

pub(super) fn index(namespace: &Namespace) -> u32 {
    let socket = RouteSocket::open(namespace).unwrap();
    link_named(&socket, "eth0").unwrap().unwrap().index
}

/// Waits for something that the kernel does in its own time.
pub(super) fn wait_until(condition: impl Fn() -> bool) -> Option<Duration> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if condition() {
            return Some(start.elapsed());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

/// A TCP port that can be connected to, and a UDP port that sends back what it gets.
pub(super) struct Server {
    _listener: TcpListener,
    pub(super) port: u16,
}

impl Server {
    pub(super) fn start(namespace: &Namespace, port: u16) -> Self {
        let any = SocketAddr::from(([0u16; 8], port));
        let listener = namespace.run_in(|| TcpListener::bind(any).unwrap()).unwrap();
        // One socket for each address, so that the answer comes from where the question went.
        for address in addresses(&RouteSocket::open(namespace).unwrap()).unwrap() {
            let bound = namespace.run_in(|| UdpSocket::bind((address.network.address, port)));
            if let Ok(socket) = bound.unwrap() {
                std::thread::spawn(move || echo(&socket));
            }
        }
        Self { _listener: listener, port }
    }
}

fn echo(socket: &UdpSocket) {
    let mut buffer = [0; 2000];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(&buffer[..length], from);
    }
}

/// Whether a TCP connection can be made.
pub(super) fn tcp(from: &Namespace, to: &str, port: u16) -> bool {
    let address = SocketAddr::new(ip(to), port);
    from.run_in(|| TcpStream::connect_timeout(&address, PATIENCE).is_ok()).unwrap()
}

/// Whether a UDP packet comes back.
pub(super) fn udp(from: &Namespace, to: &str, port: u16) -> bool {
    let address = SocketAddr::new(ip(to), port);
    let local: SocketAddr = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
    let socket = from.run_in(|| UdpSocket::bind(local).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(b"hello", address).unwrap();
    socket.recv_from(&mut [0; 16]).is_ok()
}

/// Whether an ICMP echo comes back.
pub(super) fn ping(from: &Namespace, to: &str) -> bool {
    run(from, "ping", &["-c1", "-W1", "-n", to]).status.success()
}

/// Runs a program in a namespace.
pub(super) fn run(namespace: &Namespace, program: &str, arguments: &[&str]) -> Output {
    namespace.run_in(|| Command::new(program).args(arguments).output().unwrap()).unwrap()
}

pub(super) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Starts this test binary once more, to run one test that holds something in the namespace, and
/// returns when it says that it does.
pub(super) fn start_holder(test: &str, namespace: &Namespace) -> Child {
    let place = format!("/proc/{}/fd/{}", std::process::id(), namespace.as_fd().as_raw_fd());
    let mut child = Command::new("/proc/self/exe")
        .args(["--exact", test, "--nocapture"])
        .env(HOLDER, place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("holding")), "{test} failed");
    child
}

/// The namespace to hold something in, when this process is such a holder.
pub(super) fn holder_namespace() -> Option<Namespace> {
    let place = std::env::var(HOLDER).ok()?;
    Some(Namespace::open(std::path::Path::new(&place)).unwrap())
}

/// Says that it is held, and keeps it until the end.
pub(super) fn hold<T>(held: T) {
    println!("\nholding");
    let _ = std::io::stdin().read_line(&mut String::new());
    drop(held);
}
