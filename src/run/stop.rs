//! Signals that end a run: the first rolls back, a second stops waiting for recovery, none ever
//! skips the rollback.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// What the operator asked for so far; shared by cloning.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    state: Rc<State>,
}

#[derive(Debug, Default)]
struct State {
    count: Cell<u32>,
    first: RefCell<Option<&'static str>>,
    changed: Notify,
}

/// The signals that people, terminals and service managers stop programs with.
const SIGNALS: [(&str, SignalKind); 4] = [
    ("SIGINT", SignalKind::interrupt()),
    ("SIGTERM", SignalKind::terminate()),
    ("SIGHUP", SignalKind::hangup()),
    ("SIGQUIT", SignalKind::quit()),
];

impl Stop {
    /// Listens from now on; none of these signals ends the process any more. Must be called
    /// within a `LocalSet`.
    pub fn listen() -> Result<Self> {
        let stop = Self::default();
        for (name, kind) in SIGNALS {
            let mut stream = signal(kind).with_context(|| format!("cannot listen for {name}"))?;
            let stop = stop.clone();
            tokio::task::spawn_local(async move {
                while stream.recv().await.is_some() {
                    stop.ask(name);
                }
            });
        }
        Ok(stop)
    }

    /// Counts one wish to stop.
    pub fn ask(&self, by: &'static str) {
        self.state.count.set(self.state.count.get() + 1);
        self.state.first.borrow_mut().get_or_insert(by);
        self.state.changed.notify_waiters();
    }

    /// Who asked first, if anybody did.
    #[must_use]
    pub fn asked(&self) -> Option<&'static str> {
        *self.state.first.borrow()
    }

    /// How often it was asked.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.state.count.get()
    }

    /// Waits for the next wish.
    pub async fn next(&self) {
        self.state.changed.notified().await;
    }
}
