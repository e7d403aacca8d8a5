//! Numbered UDP packets at a steady rate.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::super::super::testbed::ip;
use super::Namespace;

/// How long the last packets may take.
const PATIENCE: Duration = Duration::from_millis(1200);

/// A stream that is being sent.
pub(super) struct Stream {
    end: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sender: JoinHandle<u64>,
    receiver: JoinHandle<Vec<Arrival>>,
}

/// A packet that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) number: u64,
    pub(super) took: Duration,
}

/// What became of a stream.
pub(super) struct Course {
    pub(super) sent: u64,
    pub(super) arrivals: Vec<Arrival>,
}

impl Stream {
    /// Begins to send to an address of `to`. Every error of the sender fails the test.
    pub(super) fn start(from: &Namespace, to: &Namespace, address: &str, gap: Duration) -> Self {
        Self::with(from, to, (address, 9000), (gap, 64), |_| {})
    }

    /// The same with packets of a size in bytes, by a socket with options.
    pub(super) fn with(
        from: &Namespace,
        to: &Namespace,
        (address, port): (&str, u16),
        (gap, size): (Duration, usize),
        set: impl FnOnce(&UdpSocket) + Send,
    ) -> Self {
        let address = SocketAddr::new(ip(address), port);
        let inside = to.run_in(|| UdpSocket::bind(address).unwrap()).unwrap();
        let _ = setsockopt(&inside, sockopt::RcvBufForce, &(16 << 20));
        inside.set_read_timeout(Some(PATIENCE)).unwrap();
        let any: SocketAddr =
            if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
        let outside = from.run_in(|| UdpSocket::bind(any).unwrap()).unwrap();
        set(&outside);
        let begin = Instant::now();
        let (end, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let receiver = thread::spawn(move || receive(&inside, begin));
        let sender = {
            let (end, sent) = (end.clone(), sent.clone());
            thread::spawn(move || send(&outside, address, (begin, gap, size), &end, &sent))
        };
        Self { end, sent, sender, receiver }
    }

    /// Waits until so many more packets are sent.
    pub(super) fn let_pass(&self, packets: u64) {
        let until = self.sent.load(Ordering::SeqCst) + packets;
        while self.sent.load(Ordering::SeqCst) < until && !self.sender.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it and waits for what is on its way.
    pub(super) fn finish(self) -> Course {
        self.end.store(true, Ordering::SeqCst);
        let sent = self.sender.join().unwrap();
        Course { sent, arrivals: self.receiver.join().unwrap() }
    }
}

impl Course {
    pub(super) fn lost(&self) -> u64 {
        let mut numbers: Vec<u64> = self.arrivals.iter().map(|arrival| arrival.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.sent - numbers.len() as u64
    }

    /// How many arrived before one that was sent earlier.
    pub(super) fn overtaking(&self) -> usize {
        self.arrivals.windows(2).filter(|pair| pair[1].number < pair[0].number).count()
    }

    /// How long packets took, in milliseconds, in order.
    pub(super) fn times(&self) -> Vec<f64> {
        let took = |arrival: &Arrival| arrival.took.as_secs_f64() * 1e3;
        let mut times: Vec<f64> = self.arrivals.iter().map(took).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    pub(super) fn median(&self) -> f64 {
        let times = self.times();
        times[times.len() / 2]
    }
}

fn send(
    socket: &UdpSocket,
    to: SocketAddr,
    (begin, gap, size): (Instant, Duration, usize),
    end: &AtomicBool,
    sent: &AtomicU64,
) -> u64 {
    let start = Instant::now();
    let mut packet = vec![0; size];
    let mut number = 0u64;
    while !end.load(Ordering::SeqCst) {
        let due = start + gap * u32::try_from(number).unwrap();
        if let Some(rest) = due.checked_duration_since(Instant::now()) {
            thread::sleep(rest);
        }
        packet[..8].copy_from_slice(&number.to_ne_bytes());
        let now = u64::try_from(begin.elapsed().as_nanos()).unwrap();
        packet[8..16].copy_from_slice(&now.to_ne_bytes());
        socket.send_to(&packet, to).expect("a sender notices nothing");
        number += 1;
        sent.store(number, Ordering::SeqCst);
    }
    number
}

fn receive(socket: &UdpSocket, begin: Instant) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut packet = vec![0; 65536];
    while socket.recv(&mut packet).is_ok() {
        let word = |at: usize| u64::from_ne_bytes(packet[at..at + 8].try_into().unwrap());
        let took = begin.elapsed().saturating_sub(Duration::from_nanos(word(8)));
        arrivals.push(Arrival { number: word(0), took });
    }
    arrivals
}
