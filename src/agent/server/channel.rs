//! The stream to the controller.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::time::TimeVal;

use crate::agent::protocol::{FromAgent, ToAgent, read_frame, write_frame};

/// How long half a message may be on its way.
const PATIENCE: TimeVal = TimeVal::new(1, 0);

/// Standard input and output, never shared with a child.
pub(super) struct Channel {
    input: File,
    output: File,
    broken: bool,
}

impl Channel {
    pub(super) fn standard() -> Result<Self> {
        // A controller that is stopped in the middle of a message must not stop the agent's clock.
        for fd in [io::stdin().as_fd(), io::stdout().as_fd()] {
            let _ = setsockopt(&fd, ReceiveTimeout, &PATIENCE);
            let _ = setsockopt(&fd, SendTimeout, &PATIENCE);
        }
        let own = |fd: BorrowedFd<'_>| {
            fd.try_clone_to_owned().map(File::from).context("cannot own the stream")
        };
        Ok(Self {
            input: own(io::stdin().as_fd())?,
            output: own(io::stdout().as_fd())?,
            broken: false,
        })
    }

    /// The next message; `None` when the controller is gone.
    pub(super) fn receive(&mut self) -> io::Result<Option<ToAgent>> {
        read_frame(&mut self.input)
    }

    /// A message that cannot be sent has nobody to read it: the end of the input will say so.
    pub(super) fn send(&mut self, message: &FromAgent) {
        self.broken = self.broken || write_frame(&mut self.output, message).is_err();
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}
