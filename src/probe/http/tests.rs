//! The probe against servers on the loopback address that answer as told.

use super::super::fixture::{Server, parse};
use super::super::{Prober, Reading, Surroundings};
use crate::sample::SampleOutcome;
use crate::spec::ProbeKind;

async fn measure_in(yaml: &str, surroundings: &Surroundings) -> Reading {
    Prober::new("web", &ProbeKind::Http(parse(yaml)), surroundings).measure().await
}

async fn measure(yaml: &str) -> Reading {
    measure_in(yaml, &Surroundings::default()).await
}

/// What a server's raw answer comes to, as one line.
async fn answered(answer: &'static str, expect: &str) -> String {
    let server = Server::saying(answer).await;
    let reading =
        measure(&format!("{{ url: '{}', timeout: 300ms, expect: {expect} }}", server.url())).await;
    format!("{:?} {:?} {}", reading.outcome, reading.value, reading.detail.unwrap_or_default())
}

#[tokio::test]
async fn answers_are_compared_with_what_is_expected() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{ \"up\": 0.5 }";
    let lines = [
        answered(ok, "{}").await,
        answered(ok, "{ status: 201 }").await,
        answered(ok, "{ body: { contains: up } }").await,
        answered(ok, "{ body: { contains: down } }").await,
        answered(ok, "{ json: { path: $.up } }").await,
        answered(ok, "{ json: { path: $.up, equals: 1 } }").await,
        answered("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", "{}").await,
        answered("HTTP/1.1 302 Go\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "{}").await,
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Ok None 
    Violated None status 200, expected 201
    Ok None 
    Violated None the body does not contain "down"; it is "{ \"up\": 0.5 }"
    Ok Some(0.5) 
    Violated None `$.up` is 0.5, not 1
    Violated None status 503, expected 200-399
    Ok None
    "#);
}

#[tokio::test]
async fn answers_that_are_none() {
    let lines = [
        answered("", "{}").await,
        answered("SSH-2.0-OpenSSH\r\n", "{}").await,
        answered("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nhalf", "{}").await,
        answered("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nhang", "{}").await,
    ];
    insta::assert_snapshot!(lines.join("\n"), @"
    Unreachable None the connection was closed before the answer was complete
    Violated None the answer is no HTTP: invalid HTTP version parsed
    Unreachable None the connection was closed before the answer was complete
    Unreachable None timed out: no answer within 300ms
    ");
}

#[tokio::test]
async fn silence_and_resets_are_unreachable() {
    let silent = Server::saying("silence").await;
    let reading = measure(&format!("{{ url: '{}', timeout: 50ms }}", silent.url())).await;
    assert_eq!(reading, Reading::unreachable("timed out: no answer within 50ms"));
    let rude = Server::saying("reset").await;
    let reading = measure(&format!("{{ url: '{}' }}", rude.url())).await;
    assert_eq!(reading, Reading::unreachable("connection reset"));
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_unreachable() {
    let server = Server::saying("").await;
    let url = server.url();
    server.close().await;
    let reading = measure(&format!("{{ url: '{url}' }}")).await;
    assert_eq!(reading, Reading::unreachable("connection refused"));
    // RFC 6761: `.invalid` never resolves.
    let reading = measure("{ url: 'http://nowhere.invalid/', timeout: 10s }").await;
    assert_eq!(reading.outcome, SampleOutcome::Unreachable);
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_unreachable() {
    let server = Server::saying("HTTP/1.1 400 No\r\n\r\n").await;
    let url = server.url().replace("http:", "https:");
    let reading = measure(&format!("{{ url: '{url}' }}")).await;
    // Without a single trusted certificate on the machine the probe itself cannot work.
    assert_ne!(reading.outcome, SampleOutcome::Ok);
    assert_ne!(reading.outcome, SampleOutcome::Violated);
}

#[tokio::test]
async fn what_cannot_be_sent_is_a_probe_error() {
    let lines = [
        measure("{ url: 'no url' }").await,
        measure("{ url: 'ftp://127.0.0.1/' }").await,
        measure("{ url: 'http://127.0.0.1/', method: 'G E T' }").await,
        measure("{ url: 'http://127.0.0.1/', headers: { 'a b': c } }").await,
        measure("{ url: 'http://127.0.0.1/', headers: { a: \"b\\0\" } }").await,
        measure("{ url: 'http://127.0.0.1/', expect: { json: { path: 'up' } } }").await,
    ]
    .map(|reading| {
        assert_eq!(reading.outcome, SampleOutcome::ProbeError);
        reading.detail.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
    });
    insta::assert_snapshot!(lines.join("\n"), @"
    `no url` is no URL: relative URL without a base
    `ftp://127.0.0.1/` is no URL of http or https
    `G E T` is no HTTP method
    `a b` is no name of an HTTP header
    the value of the header `a` is not what HTTP allows
    `up` is no JSON path: at position 0, parser error
    ");
}

#[tokio::test]
async fn secrets_are_sent_and_never_shown() {
    let surroundings = Surroundings {
        reveal: std::rc::Rc::new(|text| text.replace("${secret.token}", "s3cr3t")),
        redact: std::rc::Rc::new(|text| text.replace("s3cr3t", "***")),
        ..Surroundings::default()
    };
    let server = Server::saying("echo").await;
    let reading = measure_in(
        &format!(
            "{{ url: '{}', headers: {{ x: '${{secret.token}}' }}, method: POST, \
             body: 'token=${{secret.token}}', expect: {{ body: {{ equals: other }} }} }}",
            server.url()
        ),
        &surroundings,
    )
    .await;
    let detail = reading.detail.expect("it differs");
    assert!(!detail.contains("s3cr3t"), "{detail}");
    assert!(detail.contains("POST / HTTP/1.1"), "{detail}");
}
