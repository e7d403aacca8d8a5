//! A connection of HTTP/1: requests and their answers, one after another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Buf;
use tokio::io::AsyncWriteExt;

use super::super::stream::{Broken, Ending, Peer};
use super::super::work::Common;
use super::answer::Answer;
use super::head::{Framing, Method, NotHttp, RequestHead, ResponseHead};
use super::opening::{Opening, is_second};
use super::passage::{Passage, Stop};
use super::spoiler::{Change, Spoiler};
use crate::spec::HttpAbort;

/// How long the first line of a request may take before it is taken for something else.
const FIRST_LINE: Duration = Duration::from_secs(1);
/// How long a client may go on sending after it was answered that the connection ends.
const LINGER: Duration = Duration::from_secs(1);

/// A connection that is led through the proxy.
pub(super) struct Conversation<'a> {
    pub(super) client: Peer<'a>,
    pub(super) server: Peer<'a>,
    pub(super) spoiler: &'a Spoiler,
    pub(super) common: &'a Common,
}

/// What is left when there are no more requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing but the end, or bytes that go on as they are.
    Over,
    /// What was never HTTP/1.
    Foreign,
    /// HTTP/2.
    Second,
}

/// What comes next on a connection.
enum Next {
    Request(RequestHead),
    Left(Left),
}

/// One request and its answer.
struct Exchange<'a> {
    request: RequestHead,
    /// Whether it is to be spoilt.
    picked: bool,
    met: AtomicBool,
    spoiler: &'a Spoiler,
    common: &'a Common,
}

impl Conversation<'_> {
    /// Passes requests and answers as long as there are any.
    pub(super) async fn run(&mut self) -> Result<Left, Ending> {
        let mut first = true;
        loop {
            match self.next(first).await? {
                Next::Request(head) => {
                    first = false;
                    if let Some(left) = self.exchange(head).await? {
                        return Ok(left);
                    }
                }
                Next::Left(left) => return Ok(left),
            }
        }
    }

    /// Waits for a request, and for what else may happen meanwhile.
    async fn next(&mut self, first: bool) -> Result<Next, Ending> {
        let over = Next::Left(if first { Left::Foreign } else { Left::Over });
        let spoiler = self.spoiler;
        let wants = |method: &str, target: &str, headers: &[httparse::Header<'_>]| {
            spoiler.wants(method, target, &headers.iter().map(|it| (it.name, it.value)))
        };
        let patience = Instant::now() + FIRST_LINE;
        loop {
            let buffer = &self.client.source.buffer;
            match Opening::of(buffer, |bytes| RequestHead::read(bytes, wants)) {
                Opening::First(head) => return Ok(Next::Request(head)),
                Opening::Second if first => return Ok(Next::Left(Left::Second)),
                Opening::Second | Opening::Foreign => return Ok(over),
                Opening::Unfinished => {}
            }
            let stuck = !buffer.is_empty() && !buffer.contains(&b'\n');
            tokio::select! {
                biased;
                read = self.client.source.fill() => if read? == 0 {
                    return Ok(Next::Left(Left::Over));
                },
                read = self.server.source.fill() => if read? == 0 || !first {
                    return Ok(Next::Left(Left::Over));
                } else if is_second(&self.server.source.buffer) == Some(false) {
                    return Ok(over);
                },
                () = self.common.alarm.until(patience), if stuck => return Ok(over),
            }
        }
    }

    /// Passes one request and its answer; what is left if it was the last.
    async fn exchange(&mut self, request: RequestHead) -> Result<Option<Left>, Ending> {
        let (spoiler, common) = (self.spoiler, self.common);
        common.tally.requests.add(1);
        let picked = request.wanted && spoiler.picks(&common.dice);
        let exchange = Exchange { request, picked, met: AtomicBool::new(false), spoiler, common };
        if picked {
            exchange.delay().await;
            if let Some(abort) = spoiler.abort {
                exchange.meets();
                return Err(match abort {
                    HttpAbort::Reset => Ending::Reset,
                    HttpAbort::Close => Ending::InOrder,
                });
            }
            if let Some(answer) = &spoiler.answer {
                exchange.meets();
                return self.answer(&request, answer).await;
            }
        }
        let Self { client, server, .. } = self;
        let up = exchange.upload(Passage::new(
            &mut client.source,
            &mut server.sink,
            request.length,
            request.framing,
        ));
        let down = exchange.download(Passage::new(
            &mut server.source,
            &mut client.sink,
            0,
            Framing::Length(0),
        ));
        let (sent, left) = tokio::try_join!(biased; up, down)?;
        if sent { Ok(left) } else { Err(Ending::Reset) }
    }

    /// Answers in the server's place. With a body to come the connection ends after it, for nobody
    /// knows whether a client that got its answer still sends it.
    async fn answer(
        &mut self,
        request: &RequestHead,
        answer: &Answer,
    ) -> Result<Option<Left>, Ending> {
        let goes_on = request.keeps_alive && request.framing == Framing::Length(0);
        let written = answer.written(goes_on, request.method == Method::Head);
        self.client.sink.write_all(written).await?;
        self.client.source.buffer.advance(request.length);
        if goes_on {
            return Ok(None);
        }
        self.client.sink.shutdown().await?;
        let drain = async {
            while matches!(self.client.source.fill().await, Ok(1..)) {
                self.client.source.buffer.clear();
            }
        };
        tokio::select! {
            () = drain => {}
            () = self.common.alarm.until(Instant::now() + LINGER) => {}
        }
        Err(Ending::InOrder)
    }
}

impl Exchange<'_> {
    /// Notes that the request met the fault.
    fn meets(&self) {
        if !self.met.swap(true, Ordering::Relaxed) {
            self.common.tally.spoilt_requests.add(1);
        }
    }

    async fn delay(&self) {
        if let Some(delay) = self.spoiler.delay(&self.common.dice) {
            self.meets();
            self.common.wait(delay).await;
        }
    }

    /// Sends the request; whether the server took all of it. One that has answered need not.
    async fn upload(&self, mut passage: Passage<'_, '_>) -> Result<bool, Ending> {
        let has_body = self.request.framing != Framing::Length(0);
        self.change(&mut passage, &self.spoiler.request, has_body);
        match passage.run(&self.common.dice, || ()).await {
            Ok(()) => Ok(true),
            Err(Stop::Broken(Broken::Sink)) => Ok(false),
            Err(stop) => Err(stop.into()),
        }
    }

    /// Passes the answer; what is left if it was the last.
    async fn download(&self, mut passage: Passage<'_, '_>) -> Result<Option<Left>, Ending> {
        loop {
            let head = match ResponseHead::read(&passage.source.buffer, &self.request) {
                Ok(Some(head)) => head,
                Ok(None) if passage.source.fill().await? == 0 => {
                    // Half a head is passed on, as it would have come.
                    return Ok(Some(Left::Over));
                }
                Ok(None) => continue,
                Err(NotHttp) => return Ok(Some(Left::Over)),
            };
            match head.status {
                101 => return Ok(Some(Left::Over)),
                200..300 if self.request.method == Method::Connect => return Ok(Some(Left::Over)),
                100..200 => {
                    passage.ready = head.length;
                    passage.run(&self.common.dice, || ()).await?;
                }
                _ => return self.last(passage, head).await,
            }
        }
    }

    /// Passes the answer that ends an exchange.
    async fn last(
        &self,
        passage: Passage<'_, '_>,
        head: ResponseHead,
    ) -> Result<Option<Left>, Ending> {
        let Passage { source, sink, .. } = passage;
        let mut passage = Passage::new(source, sink, head.length, head.framing);
        if self.picked && head.has_body {
            passage.spoil = self.spoiler.spoil();
            if let Some(length) = passage.body.promised() {
                passage.spoil.aim(length, &self.common.dice);
            }
        }
        self.change(&mut passage, &self.spoiler.response, head.has_body);
        passage.run(&self.common.dice, || self.meets()).await?;
        Ok((head.framing == Framing::UntilClose).then_some(Left::Over))
    }

    /// Changes a message whose head is at the start of the buffer.
    fn change(&self, passage: &mut Passage<'_, '_>, change: &Change, has_body: bool) {
        let (edit, body) = match &change.body {
            Some((edit, body)) if has_body => (edit, Some(body)),
            _ => (&change.edit, None),
        };
        if !self.picked || edit.is_empty() {
            return;
        }
        self.meets();
        let head = passage.source.buffer.split_to(std::mem::take(&mut passage.ready));
        passage.front = edit.head(&head);
        if let Some(body) = body {
            passage.front.extend_from_slice(body);
            passage.discard = true;
        }
    }
}
