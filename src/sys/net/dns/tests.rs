//! The server in a namespace of the test, asked through a redirect by hand-made questions.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::super::Namespace;
use super::super::nft::{Action, OwnedTable, Plan, supported};
use super::super::testbed::{Pair, privileged};
use super::*;
use crate::act::{DnsAnswer, DnsQuestions, FailDns, Flow, Hook, SiteRef, Traffic};

const SERVER: &str = "10.9.0.2:53";

/// A fault in a namespace, with the redirect to it.
struct Fault {
    server: DnsServer,
    table: Option<OwnedTable>,
}

impl Fault {
    fn start(namespace: &Namespace, answer: DnsAnswer) -> Self {
        let questions = DnsQuestions { names: vec!["db.*".parse().unwrap()], types: Vec::new() };
        let percent = crate::spec::quantity::Percent::HUNDRED;
        let fault = FailDns { site: SiteRef::Host, questions, percent, answer };
        let server = DnsServer::start(namespace, &fault).unwrap();
        let flow = Flow { remote_ports: vec!["53".parse().unwrap()], ..Flow::default() };
        let hooks = vec![Hook::Egress];
        let traffic = Traffic { hooks, flow, except: vec![], interfaces: vec![] };
        let action = Action::Divert { port: server.port(), zone: server.zone() };
        let plan =
            Plan { traffic: &traffic, action, cgroup: None, skip_mark: Some(super::OUR_MARK) };
        let table = OwnedTable::create(namespace, "shakedown_test_dns", &plan).unwrap();
        Self { server, table: Some(table) }
    }
}

fn skip() -> bool {
    if !privileged() {
        return true;
    }
    let missing = !supported().unwrap().divert.is_supported();
    if missing {
        println!("skipped: this kernel cannot divert connections");
    }
    missing
}

fn question(name: &str) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.to_vec().unwrap()
}

/// A name server that answers with what it is asked, turned into a response.
fn mirror(namespace: &Namespace) {
    let (udp, tcp) = namespace
        .run_in(|| (UdpSocket::bind(SERVER).unwrap(), std::net::TcpListener::bind(SERVER).unwrap()))
        .unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            buffer[2] |= 0x80;
            let _ = udp.send_to(&buffer[..length], from);
        }
    });
    std::thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            std::thread::spawn(move || mirror_stream(stream));
        }
    });
}

fn mirror_stream(mut stream: TcpStream) {
    let mut head = [0; 2];
    while stream.read_exact(&mut head).is_ok() {
        let mut message = vec![0; usize::from(u16::from_be_bytes(head))];
        stream.read_exact(&mut message).unwrap();
        message[2] |= 0x80;
        stream.write_all(&[&head[..], &message].concat()).unwrap();
    }
}

fn socket(namespace: &Namespace) -> UdpSocket {
    let socket = namespace.run_in(|| UdpSocket::bind("10.9.0.1:0").unwrap()).unwrap();
    socket.connect(SERVER).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

fn ask(socket: &UdpSocket, name: &str) -> ResponseCode {
    socket.send(&question(name)).unwrap();
    let mut buffer = [0; 2000];
    let length = socket.recv(&mut buffer).unwrap();
    Message::from_vec(&buffer[..length]).unwrap().metadata.response_code
}

/// Asks on another thread, and tells how long it took.
fn asking(namespace: &Namespace, name: &'static str) -> JoinHandle<Duration> {
    let socket = socket(namespace);
    std::thread::spawn(move || {
        let start = Instant::now();
        ask(&socket, name);
        start.elapsed()
    })
}

fn wait_for(fault: &Fault, failed: u64) {
    let start = Instant::now();
    while fault.server.counts().failed < failed {
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", fault.server.counts());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_question_that_waits_is_answered_when_the_fault_ends() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    mirror(&pair.far);
    let mut fault = Fault::start(&pair.near, DnsAnswer::Delay("20s".parse().unwrap()));
    let waiting = asking(&pair.near, "db.example.");
    wait_for(&fault, 1);
    let start = Instant::now();
    fault.server.drain(Duration::from_secs(2));
    assert!(start.elapsed() < Duration::from_secs(1));
    fault.table.take().unwrap().remove().unwrap();
    assert!(waiting.join().unwrap() < Duration::from_secs(2));
}

/// A name server that is silent keeps nobody from ending.
#[test]
fn the_end_does_not_wait_for_a_silent_name_server() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let silent = pair.far.run_in(|| UdpSocket::bind(SERVER).unwrap()).unwrap();
    let fault = Fault::start(&pair.near, DnsAnswer::Nxdomain);
    let socket = socket(&pair.near);
    socket.send(&question("other.example.")).unwrap();
    silent.recv(&mut [0; 2000]).unwrap();
    let start = Instant::now();
    fault.server.drain(Duration::from_millis(300));
    drop(fault);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_stream_carries_answers_of_both_in_any_order() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    mirror(&pair.far);
    let _fault = Fault::start(&pair.near, DnsAnswer::Nxdomain);
    let address: SocketAddr = SERVER.parse().unwrap();
    let mut stream = pair.near.run_in(|| TcpStream::connect(address).unwrap()).unwrap();
    for name in ["db.example.", "other.example.", "db.example."] {
        let question = question(name);
        let length = u16::try_from(question.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &question].concat()).unwrap();
    }
    // Whoever has asked everything may say so, and still hears the answers.
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answers = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.read_to_end(&mut answers).unwrap();
    let mut codes = Vec::new();
    let mut rest = answers.as_slice();
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let (message, tail) = tail.split_at(usize::from(u16::from_be_bytes(*head)));
        codes.push(Message::from_vec(message).unwrap().metadata.response_code);
        rest = tail;
    }
    codes.sort_by_key(|code| u16::from(*code));
    assert_eq!(codes, [ResponseCode::NoError, ResponseCode::NXDomain, ResponseCode::NXDomain]);
}

/// Where nobody listens a client is told, so that it tries the next name server.
#[test]
fn a_name_server_that_is_down_is_a_failure_at_once() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    let _fault = Fault::start(&pair.near, DnsAnswer::Nxdomain);
    let start = Instant::now();
    assert_eq!(ask(&socket(&pair.near), "other.example."), ResponseCode::ServFail);
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Whoever finds the port and comes by himself is not served.
#[test]
fn nobody_is_served_who_was_not_redirected() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    mirror(&pair.far);
    let fault = Fault::start(&pair.near, DnsAnswer::Nxdomain);
    let port = fault.server.port();
    let socket = pair.near.run_in(|| UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    socket.send_to(&question("db.example."), ("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(socket.recv(&mut [0; 100]).is_err());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = pair.near.run_in(|| TcpStream::connect(address).unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(stream.read(&mut [0; 100]).unwrap(), 0);
    assert_eq!(fault.server.counts(), Counts::default());
}

/// Not a test of time, but the figure that is told about it.
#[test]
fn what_passes_is_late_by_little() {
    if skip() {
        return;
    }
    let pair = Pair::new();
    mirror(&pair.far);
    let median = |socket: &UdpSocket| {
        let mut times: Vec<Duration> = (0..1000)
            .map(|_| {
                let start = Instant::now();
                ask(socket, "other.example.");
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[500]
    };
    let direct = median(&socket(&pair.near));
    let _fault = Fault::start(&pair.near, DnsAnswer::Nxdomain);
    let passed = median(&socket(&pair.near));
    println!("direct {direct:?}, through the server {passed:?}");
    assert!(passed < direct + Duration::from_millis(20));
}
