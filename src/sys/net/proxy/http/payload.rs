//! Bodies of HTTP/2 on their way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::super::work::Common;
use super::spoil::Spoil;

/// Why a stream of HTTP/2 is reset.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A side broke it.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// The fault did.
    #[error("{0} by the fault")]
    Fault(&'static str),
}

/// A body on its way.
pub(super) enum Payload {
    /// As it comes.
    Plain(Incoming),
    /// Another one.
    Fixed(Option<Bytes>),
    /// One that is spoilt.
    Spoilt(Spoilt),
}

/// A body that is spoilt as it comes.
pub(super) struct Spoilt {
    pub(super) body: Incoming,
    pub(super) spoil: Spoil,
    pub(super) common: Arc<Common>,
    /// Whether the request has not been counted yet.
    pub(super) uncounted: bool,
    pub(super) cut: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Plain(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|it| it.map_err(Into::into))),
            Self::Fixed(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Spoilt(spoilt) => spoilt.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Fixed(body) => body.is_none(),
            Self::Spoilt(spoilt) => !spoilt.cut && spoilt.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Fixed(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Spoilt(_) => SizeHint::default(),
        }
    }
}

impl Spoilt {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.cut {
            return Poll::Ready(Some(Err(Error::Fault("cut short"))));
        }
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let data = match frame?.into_data() {
            Ok(data) => data,
            Err(other) => return Poll::Ready(Some(Ok(other))),
        };
        let mut data = BytesMut::from(data);
        let (passes, met) = self.spoil.data(&mut data, &self.common.dice);
        if met && std::mem::take(&mut self.uncounted) {
            self.common.tally.spoilt_requests.add(1);
        }
        self.cut = passes < data.len();
        data.truncate(passes);
        Poll::Ready(Some(Ok(Frame::data(data.freeze()))))
    }
}
