//! A connection of HTTP/2 without TLS, by hyper on both sides.

use std::io::Cursor;
use std::sync::Arc;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self as client, SendRequest};
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::super::work::Common;
use super::payload::{Error, Payload, Spoilt};
use super::spoiler::{Change, Spoiler};

/// Passes requests and answers until the connection ends; `begun` is what both sides have sent.
pub(in super::super) async fn serve(
    begun: [BytesMut; 2],
    (client, server): (TcpStream, TcpStream),
    spoiler: Arc<Spoiler>,
    common: &Arc<Common>,
) {
    let [from_client, from_server] = begun;
    let upstream = TokioIo::new(resumed(from_server, server));
    let handshake = client::Builder::new(TokioExecutor::new())
        .adaptive_window(true)
        .handshake::<_, Payload>(upstream);
    let Ok((sender, upstream)) = handshake.await else { return };
    let service = service_fn(move |request| {
        let (spoiler, sender, common) = (Arc::clone(&spoiler), sender.clone(), Arc::clone(common));
        async move { exchange(request, sender, &spoiler, &common).await }
    });
    let downstream = server::Builder::new(TokioExecutor::new())
        .adaptive_window(true)
        .auto_date_header(false)
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(resumed(from_client, client)), service);
    // Whichever ends, the other has nobody to speak to.
    tokio::select! {
        _ = upstream => {}
        _ = downstream => {}
    }
}

/// A stream of which some was read before.
fn resumed(begun: BytesMut, stream: TcpStream) -> impl AsyncRead + AsyncWrite + Unpin + Send {
    let (reader, writer) = stream.into_split();
    tokio::io::join(Cursor::new(begun).chain(reader), writer)
}

/// Passes one request and its answer. An error resets their stream alone.
async fn exchange(
    request: Request<Incoming>,
    mut sender: SendRequest<Payload>,
    spoiler: &Spoiler,
    common: &Arc<Common>,
) -> Result<Response<Payload>, Error> {
    common.tally.requests.add(1);
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.collect();
    let picked = spoiler.wants(request.method().as_str(), target, &headers.iter().copied())
        && spoiler.picks(&common.dice);
    if !picked {
        return Ok(sender.send_request(request.map(Payload::Plain)).await?.map(Payload::Plain));
    }
    let mut uncounted = true;
    let mut meets = || {
        if std::mem::take(&mut uncounted) {
            common.tally.spoilt_requests.add(1);
        }
    };
    if let Some(delay) = spoiler.delay(&common.dice) {
        meets();
        common.wait(delay).await;
    }
    if spoiler.abort.is_some() {
        meets();
        return Err(Error::Fault("aborted"));
    }
    if let Some(answer) = &spoiler.answer {
        meets();
        let mut response = Response::new(Payload::Fixed(Some(answer.body.clone())));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers.clone();
        return Ok(response);
    }
    if !spoiler.request.is_empty() {
        meets();
    }
    let response = sender.send_request(changed_request(request, &spoiler.request)).await?;
    if !spoiler.response.is_empty() {
        meets();
    }
    Ok(changed_response(response, spoiler, common, uncounted))
}

fn changed_request(request: Request<Incoming>, change: &Change) -> Request<Payload> {
    let (mut parts, body) = request.into_parts();
    let has_body = !http_body::Body::is_end_stream(&body);
    let body = match &change.body {
        Some((edit, new)) if has_body => {
            edit.headers(&mut parts.headers);
            Payload::Fixed(Some(new.clone()))
        }
        _ => {
            change.edit.headers(&mut parts.headers);
            Payload::Plain(body)
        }
    };
    Request::from_parts(parts, body)
}

fn changed_response(
    response: Response<Incoming>,
    spoiler: &Spoiler,
    common: &Arc<Common>,
    uncounted: bool,
) -> Response<Payload> {
    let (mut parts, body) = response.into_parts();
    let change = &spoiler.response;
    let has_body = !http_body::Body::is_end_stream(&body);
    if let Some(status) = change.edit.status {
        parts.status = status;
    }
    if let Some((edit, new)) = change.body.as_ref().filter(|_| has_body) {
        edit.headers(&mut parts.headers);
        return Response::from_parts(parts, Payload::Fixed(Some(new.clone())));
    }
    change.edit.headers(&mut parts.headers);
    let mut spoil = spoiler.spoil();
    if spoil.is_over() || !has_body {
        return Response::from_parts(parts, Payload::Plain(body));
    }
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if let Some(length) = length.and_then(|text| text.parse().ok()) {
        spoil.aim(length, &common.dice);
    }
    let spoilt = Spoilt { body, spoil, common: Arc::clone(common), uncounted, cut: false };
    Response::from_parts(parts, Payload::Spoilt(spoilt))
}
