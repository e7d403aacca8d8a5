//! One half of a connection: what one side sends to the other.

use std::future::pending;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::super::stream::{Ending, Source, pass};
use super::Connection;
use super::pace::Pace;
use crate::act::Toxics;
use crate::spec::{Bandwidth, LateData, LimitData, ResetPeer, Slicer, SlowClose, Stream};

/// How many pieces may be on their way at once when data waits: with the largest of them 4 MiB.
const ON_THEIR_WAY: usize = 256;

/// What befalls one half of a connection.
#[derive(Debug)]
pub(super) struct Lane {
    latency: Option<LateData>,
    bandwidth: Option<Bandwidth>,
    slicer: Option<Slicer>,
    slow_close: Option<SlowClose>,
    limit: Option<LimitData>,
    held: bool,
    reset: Option<ResetPeer>,
}

/// Data on its way.
struct Piece {
    arrived: Instant,
    due: Instant,
    data: Bytes,
}

impl Lane {
    /// Those of the toxics that are for this half.
    pub(super) fn new(toxics: &Toxics, half: Stream) -> Self {
        let here = |stream: Stream| stream == half || stream == Stream::Both;
        Self {
            latency: toxics.latency.filter(|it| here(it.stream)),
            bandwidth: toxics.bandwidth.filter(|it| here(it.stream)),
            slicer: toxics.slicer.filter(|it| here(it.stream)),
            slow_close: toxics.slow_close.filter(|it| here(it.stream)),
            limit: toxics.limit_data.filter(|it| here(it.stream)),
            held: toxics.timeout.is_some_and(|it| here(it.stream)),
            reset: toxics.reset_peer.filter(|it| here(it.stream)),
        }
    }

    /// Passes data, and then the end.
    pub(super) async fn run(
        self,
        mut source: Source<'_>,
        mut sink: WriteHalf<'_>,
        connection: &Connection<'_>,
    ) -> Result<(), Ending> {
        if self.is_clean() {
            return pass(&mut source, &mut sink).await;
        }
        let room = if self.latency.is_some() { ON_THEIR_WAY } else { 1 };
        let (sender, pieces) = mpsc::channel(room);
        let read = self.read(source, sender, connection);
        let write = self.write(pieces, sink, connection);
        tokio::try_join!(read, write)?;
        Ok(())
    }

    const fn is_clean(&self) -> bool {
        self.latency.is_none()
            && self.bandwidth.is_none()
            && self.slicer.is_none()
            && self.slow_close.is_none()
            && self.limit.is_none()
            && !self.held
            && self.reset.is_none()
    }

    /// Whether all data that passes meets the fault.
    const fn changes_data(&self) -> bool {
        self.latency.is_some() || self.bandwidth.is_some() || self.slicer.is_some() || self.held
    }

    async fn read(
        &self,
        mut source: Source<'_>,
        pieces: Sender<Piece>,
        connection: &Connection<'_>,
    ) -> Result<(), Ending> {
        let mut last = Instant::now();
        while source.fill().await? > 0 {
            if let Some(reset) = &self.reset {
                connection.doomed.notify_one();
                if reset.after.is_zero() {
                    pending::<()>().await;
                }
            }
            if self.changes_data() {
                connection.meets();
            }
            let data = source.buffer.split().freeze();
            if self.held {
                continue;
            }
            // Data never overtakes what was sent before it.
            let arrived = Instant::now();
            last = last.max(arrived + self.delay(connection));
            // Nobody takes it any more: then the other future has the reason.
            let _ = pieces.send(Piece { arrived, due: last, data }).await;
        }
        // Who holds all data holds its end, too.
        if self.held {
            pending::<()>().await;
        }
        Ok(())
    }

    fn delay(&self, connection: &Connection<'_>) -> Duration {
        let delay = self.latency.map(|latency| {
            connection.common.dice.around(latency.delay.get(), latency.jitter.get())
        });
        delay.unwrap_or_default()
    }

    async fn write(
        &self,
        mut pieces: Receiver<Piece>,
        mut sink: WriteHalf<'_>,
        connection: &Connection<'_>,
    ) -> Result<(), Ending> {
        let alarm = &connection.common.alarm;
        let mut pace = self.bandwidth.map(|bandwidth| Pace::new(bandwidth.rate));
        let mut left = self.limit.map(|limit| limit.bytes.bytes());
        while let Some(mut piece) = pieces.recv().await {
            if self.latency.is_some() {
                alarm.until(piece.due).await;
                connection.common.tally.waited(piece.arrived.elapsed());
            }
            let over = left.is_some_and(|left| piece.data.len() as u64 > left);
            if let Some(left) = &mut left {
                piece.data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.data.len() as u64;
            }
            self.put(piece.data, &mut sink, pace.as_mut(), connection).await?;
            if over {
                connection.meets();
                return Err(Ending::InOrder);
            }
        }
        if let Some(slow) = self.slow_close {
            connection.meets();
            connection.common.wait(slow.delay.get()).await;
        }
        Ok(sink.shutdown().await?)
    }

    /// Writes data in the slices and at the pace that are asked.
    async fn put(
        &self,
        mut data: Bytes,
        sink: &mut WriteHalf<'_>,
        mut pace: Option<&mut Pace>,
        connection: &Connection<'_>,
    ) -> Result<(), Ending> {
        let alarm = &connection.common.alarm;
        while !data.is_empty() {
            let mut size = data.len();
            if let Some(slicer) = &self.slicer {
                size = size.min(slice(slicer, connection));
            }
            if let Some(pace) = &mut pace {
                size = size.min(pace.portion());
                alarm.until(pace.passed(size, Instant::now())).await;
            }
            sink.write_all(&data.split_to(size)).await?;
            if let Some(slicer) = &self.slicer
                && !data.is_empty()
            {
                alarm.until(Instant::now() + slicer.delay.get()).await;
            }
        }
        Ok(())
    }
}

/// The size of the next slice.
fn slice(slicer: &Slicer, connection: &Connection<'_>) -> usize {
    let (average, variation) = (slicer.average_size.bytes(), slicer.size_variation.bytes());
    let spread = variation.saturating_mul(2).saturating_add(1);
    let size = average.saturating_sub(variation) + connection.common.dice.below(spread);
    usize::try_from(size).unwrap_or(usize::MAX).max(1)
}
