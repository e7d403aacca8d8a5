//! Names that are followed while a fault lasts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{EventfdFlags, eventfd};

use super::super::Namespace;
use super::resolver::{Resolved, Resolver};

/// How often names are asked for: by their time to live, within these.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A thread in a target's network namespace that asks for names again and again. Addresses once
/// seen stay: whoever took one for a peer may still be connected to it. When no name server
/// answers, which may be the fault's own doing, what was known stays true.
#[derive(Debug)]
pub struct Follower {
    known: Arc<Mutex<Resolved>>,
    /// Readable when there is more to know.
    news: Arc<OwnedFd>,
    /// Ends the thread when it is dropped; what it is asking for just then it asks to the end.
    _until: mpsc::Sender<()>,
}

impl Follower {
    /// Follows the names of what was resolved.
    pub fn start(namespace: &Namespace, resolver: Resolver, first: Resolved) -> Result<Self> {
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        let news = Arc::new(eventfd(0, flags).context("cannot make a descriptor for events")?);
        let known = Arc::new(Mutex::new(first));
        let (until, ended) = mpsc::channel();
        let (tell, learnt) = (Arc::clone(&news), Arc::clone(&known));
        drop(namespace.start_in("names", move || {
            follow(&resolver, &learnt, &tell, &ended);
            Ok(())
        })?);
        Ok(Self { known, news, _until: until })
    }

    /// All that is known, if it is more than before.
    pub fn news(&self) -> Option<Resolved> {
        let mut count = [0; 8];
        // It is not readable unless there is something new.
        rustix::io::read(&*self.news, &mut count).ok()?;
        Some(self.known())
    }

    /// All that is known.
    #[must_use]
    pub fn known(&self) -> Resolved {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }
}

fn follow(
    resolver: &Resolver,
    known: &Mutex<Resolved>,
    tell: &OwnedFd,
    ended: &mpsc::Receiver<()>,
) {
    let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<String> = known().addresses.keys().cloned().collect();
    loop {
        let pause = known().ttl.unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
        if ended.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let Ok(newer) = resolver.resolve_here(&names) else { continue };
        if known().add(newer) {
            // It cannot fail but by a counter that is full, and then it is readable anyway.
            let _ = rustix::io::write(tell, &1_u64.to_ne_bytes());
        }
    }
}
