//! Somebody in the target's network who asks for names, also when the target has ended.

use std::fs::File;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

/// A question for the addresses of `name.test`.
const QUESTION: &[u8] = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x04name\x04test\0\0\x01\0\x01";
/// The other end of the cable, where no name server is.
const SERVER: &str = "10.99.0.1:53";

/// A thread in the network of a process. Ends when this is dropped.
pub(super) struct Asker {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Asker {
    /// Asks again and again, whatever the answer.
    pub(super) fn start(pid: u32) -> Self {
        let network = File::open(format!("/proc/{pid}/ns/net")).expect("the process is there");
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            setns(&network, CloneFlags::CLONE_NEWNET).expect("root may enter it");
            drop(network);
            while !until.load(Ordering::Relaxed) {
                if let Ok(socket) = UdpSocket::bind(("0.0.0.0", 0)) {
                    let _ = socket.connect(SERVER).and_then(|()| socket.send(QUESTION));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
