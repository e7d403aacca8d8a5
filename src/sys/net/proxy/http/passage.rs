//! One message of HTTP/1 on its way.

use bytes::Buf;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use super::super::dice::Dice;
use super::super::stream::{Broken, Ending, Source};
use super::body::Body;
use super::head::Framing;
use super::spoil::Spoil;

/// From how much on data passes without a copy.
const MUCH: u64 = 64 * 1024;

/// A message on its way from one side to the other.
pub(super) struct Passage<'p, 'a> {
    pub(super) source: &'p mut Source<'a>,
    pub(super) sink: &'p mut WriteHalf<'a>,
    /// What goes before anything of the source.
    pub(super) front: Vec<u8>,
    /// How many bytes at the start of the source's buffer pass as they are.
    pub(super) ready: usize,
    pub(super) body: Body,
    /// Whether the body is thrown away.
    pub(super) discard: bool,
    pub(super) spoil: Spoil,
}

/// How a passage ends that does not get to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A side broke.
    Broken(Broken),
    /// The source ended too early.
    Early,
    /// The fault cut it short.
    Cut,
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Stop> for Ending {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Broken(_) => Self::Reset,
            Stop::Early | Stop::Cut => Self::InOrder,
        }
    }
}

impl<'p, 'a> Passage<'p, 'a> {
    /// A message that begins with `ready` bytes of the source's buffer.
    pub(super) fn new(
        source: &'p mut Source<'a>,
        sink: &'p mut WriteHalf<'a>,
        ready: usize,
        framing: Framing,
    ) -> Self {
        let (front, body, spoil) = (Vec::new(), Body::new(framing), Spoil::default());
        Self { source, sink, front, ready, body, discard: false, spoil }
    }

    /// Passes all of it; `met` is called when data is spoilt.
    pub(super) async fn run(&mut self, dice: &Dice, met: impl Fn()) -> Result<(), Stop> {
        loop {
            let cut = self.look(dice, &met);
            self.flush().await?;
            if cut {
                return Err(Stop::Cut);
            }
            self.pass_much().await?;
            if self.body.is_over() {
                return Ok(());
            }
            if self.source.fill().await.map_err(|_| Broken::Source)? == 0 {
                return match self.body {
                    Body::UntilClose => Ok(()),
                    _ => Err(Stop::Early),
                };
            }
        }
    }

    /// Finds how much of what is there belongs to the message, and spoils it; whether that cut it.
    fn look(&mut self, dice: &Dice, met: impl Fn()) -> bool {
        loop {
            let rest = self.source.buffer.get_mut(self.ready..).unwrap_or_default();
            if rest.is_empty() {
                return false;
            }
            let part = match self.body.next(rest) {
                Ok(Some(part)) => part,
                Ok(None) => return false,
                // Where such a message ends only those who understand each other know.
                Err(_) => {
                    self.body = Body::UntilClose;
                    continue;
                }
            };
            let mut passes = part.length;
            if part.is_data && !self.discard && !self.spoil.is_over() {
                let spoilt;
                let data = rest.get_mut(..part.length).unwrap_or_default();
                (passes, spoilt) = self.spoil.data(data, dice);
                if spoilt {
                    met();
                }
            }
            self.ready += passes;
            if passes < part.length {
                return true;
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        let ready = std::mem::take(&mut self.ready);
        let data = self.source.buffer.get(..ready).unwrap_or_default();
        let written = match (self.front.is_empty(), self.discard) {
            (true, true) => Ok(()),
            (true, false) => self.sink.write_all(data).await,
            (false, discard) => {
                if !discard {
                    self.front.extend_from_slice(data);
                }
                let front = std::mem::take(&mut self.front);
                self.sink.write_all(&front).await
            }
        };
        self.source.buffer.advance(ready);
        written.map_err(|_| Broken::Sink)
    }

    async fn pass_much(&mut self) -> Result<(), Stop> {
        if self.discard || !self.spoil.is_over() || !self.source.buffer.is_empty() {
            return Ok(());
        }
        while let Some(left) = self.body.plain().filter(|left| *left >= MUCH) {
            match self.source.splice(self.sink, left).await? {
                0 if matches!(self.body, Body::UntilClose) => return Ok(()),
                0 => return Err(Stop::Early),
                length => self.body.skip(length as u64),
            }
        }
        Ok(())
    }
}
