use std::io::{BufRead, BufReader};
use std::time::Instant;

use super::*;

/// Serves what the tests ask for, by path; tells in headers what it was asked.
fn serve(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(lines) = head(&mut reader) {
        let header = |name: &str| {
            let value = lines.iter().find_map(|line| line.strip_prefix(name));
            value.map_or("-", str::trim).to_owned()
        };
        if header("expect:") != "-" {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        }
        let body = body(&mut reader, &lines);
        let path = lines[0].split(' ').nth(1).unwrap();
        let seen = format!("x-fault: {}\r\nx-body: {}\r\n", header("x-fault:"), body.len());
        let answer = match path {
            "/chunked" => format!(
                "HTTP/1.1 200 OK\r\n{seen}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nSum: 1\r\n\r\n"
            ),
            "/close" => format!("HTTP/1.1 200 OK\r\n{seen}\r\nuntil the end"),
            "/none" => format!("HTTP/1.1 204 No Content\r\n{seen}\r\n"),
            "/upgrade" => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n".to_owned(),
            "/big" => format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}",
                "0123456789".repeat(100_000)
            ),
            _ => format!("HTTP/1.1 200 OK\r\n{seen}cOnTent-lEngth: 11\r\n\r\nhello world"),
        };
        let head_only = lines[0].starts_with("HEAD");
        let end = if head_only { answer.find("\r\n\r\n").unwrap() + 4 } else { answer.len() };
        if writer.write_all(&answer.as_bytes()[..end]).is_err() || path == "/close" {
            return;
        }
        if path == "/upgrade" {
            return echo(writer);
        }
    }
}

fn head(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line if lines.is_empty() => lines.push(line.to_owned()),
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
}

fn body(reader: &mut impl BufRead, lines: &[String]) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(length) = lines.iter().find_map(|line| line.strip_prefix("content-length:")) {
        body.resize(length.trim().parse().unwrap(), 0);
        reader.read_exact(&mut body).unwrap();
    }
    if lines.iter().any(|line| line == "transfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk).unwrap();
            if length == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }
    body
}

/// A fault with its fields as in a file.
fn http(fault: &serde_json::Value) -> serde_json::Value {
    let mut all = json!({
        "matching": {}, "percent": "100%", "delay": "0s", "jitter": "0s", "abort": null,
        "answer": null, "request": null, "response": null
    });
    let fields = fault.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(fields);
    json!({ "http": all })
}

/// Asks once on a connection of its own, and returns all that comes until it is closed.
fn ask(rig: &Rig, request: &str) -> String {
    let mut stream = rig.connect(BOTH[0]);
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => String::from_utf8_lossy(&all).into_owned(),
        Err(error) => format!("{}{:?}", String::from_utf8_lossy(&all), error.kind()),
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[test]
fn what_does_not_match_passes_as_it_is() {
    if !possible() {
        return;
    }
    let rig =
        Rig::new(http(&json!({"matching": {"methods": ["DELETE"]}, "abort": "reset"})), serve);
    let plain = "x-fault: -\r\nx-body: 0\r\n";
    for (request, answer) in [
        (get("/"), format!("HTTP/1.1 200 OK\r\n{plain}cOnTent-lEngth: 11\r\n\r\nhello world")),
        (
            get("/chunked"),
            format!(
                "HTTP/1.1 200 OK\r\n{plain}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nSum: 1\r\n\r\n"
            ),
        ),
        (get("/close"), format!("HTTP/1.1 200 OK\r\n{plain}\r\nuntil the end")),
        (get("/none"), format!("HTTP/1.1 204 No Content\r\n{plain}\r\n")),
        (
            get("/").replace("GET", "HEAD"),
            format!("HTTP/1.1 200 OK\r\n{plain}cOnTent-lEngth: 11\r\n\r\n"),
        ),
        (
            "GET /upgrade HTTP/1.1\r\nUpgrade: echo\r\n\r\nraw \0 bytes".to_owned(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nraw \0 bytes".to_owned(),
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello".to_owned(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx-fault: -\r\nx-body: 5\r\ncOnTent-lEngth: 11\r\n\r\nhello world".to_owned(),
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nx-fault: -\r\nx-body: 3\r\ncOnTent-lEngth: 11\r\n\r\nhello world".to_owned(),
        ),
    ] {
        assert_eq!(ask(&rig, &request), answer, "{request}");
    }
    assert_eq!(ask(&rig, &get("/big")).len(), 1_000_000 + 44);
    let tally = rig.proxy().tally();
    assert_eq!((tally.requests.get(), tally.spoilt_requests.get()), (9, 0));
}

#[test]
fn many_requests_in_one_packet_are_answered_in_their_order() {
    if !possible() {
        return;
    }
    let fault = json!({"matching": {"paths": ["/none"]}, "answer": {"status": 503}});
    let rig = Rig::new(http(&fault), serve);
    let got = ask(&rig, &[get("/"), get("/none"), get("/chunked"), get("/")].concat());
    let order: Vec<_> =
        got.match_indices("HTTP/1.1 ").map(|(at, _)| &got[at + 9..at + 12]).collect();
    assert_eq!(order, ["200", "503", "200", "200"], "{got}");
}

#[test]
fn requests_are_aborted_or_answered() {
    if !possible() {
        return;
    }
    let reset = Rig::new(http(&json!({"abort": "reset"})), serve);
    assert_eq!(ask(&reset, &get("/")), "ConnectionReset");
    let close = Rig::new(http(&json!({"abort": "close"})), serve);
    assert_eq!(ask(&close, &get("/")), "");
    let answer = json!({"status": 503, "headers": {"retry-after": "1"}, "body": "no"});
    let answered = Rig::new(http(&json!({ "answer": answer })), serve);
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nretry-after: 1\r\n";
    assert_eq!(ask(&answered, &get("/")), format!("{head}\r\nno"));
    let post = format!("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{}", "x".repeat(100_000));
    assert_eq!(ask(&answered, &post), format!("{head}connection: close\r\n\r\nno"));
    assert_eq!(answered.proxy().tally().spoilt_requests.get(), 2);
}

#[test]
fn heads_and_bodies_are_changed() {
    if !possible() {
        return;
    }
    let request = json!({"headers": {"set": {"x-fault": "yes"}}, "body": "changed"});
    let response = json!({
        "status": 500, "headers": {"set": {"x-new": "1"}, "remove": ["X-Body"]}, "body": "broken"
    });
    let rig = Rig::new(http(&json!({ "request": request })), serve);
    let post = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    assert!(ask(&rig, post).contains("x-fault: yes\r\nx-body: 7\r\n"));
    assert!(ask(&rig, &get("/")).contains("x-fault: yes\r\nx-body: 0\r\n"));
    let rig = Rig::new(http(&json!({ "response": response })), serve);
    let changed = "HTTP/1.1 500 Internal Server Error\r\nx-fault: -\r\ncontent-length: 6\r\nx-new: 1\r\n\r\nbroken";
    for path in ["/", "/chunked", "/close"] {
        assert_eq!(ask(&rig, &get(path)), changed, "{path}");
    }
    let empty = "HTTP/1.1 500 Internal Server Error\r\nx-fault: -\r\nx-new: 1\r\n\r\n";
    assert_eq!(ask(&rig, &get("/none")), empty);
}

#[test]
fn bodies_are_cut_or_lie() {
    if !possible() {
        return;
    }
    let rig = Rig::new(http(&json!({"response": {"truncate": "7B"}})), serve);
    assert!(ask(&rig, &get("/")).ends_with("cOnTent-lEngth: 11\r\n\r\nhello w"));
    assert!(ask(&rig, &get("/chunked")).ends_with("5\r\nhello\r\n6;x\r\n w"));
    assert_eq!(rig.proxy().tally().spoilt_requests.get(), 2);
    let long = Rig::new(http(&json!({"response": {"truncate": "1kB"}})), serve);
    assert!(ask(&long, &get("/")).ends_with("hello world"));
    assert_eq!(long.proxy().tally().spoilt_requests.get(), 0, "there was nothing to cut");

    let rig = Rig::new(http(&json!({"response": {"corrupt": 3}})), serve);
    for (path, length) in [("/", 11), ("/big", 1_000_000)] {
        let mut stream = rig.connect(BOTH[1]);
        stream.write_all(get(path).as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let body = &all[all.len() - length..];
        let right =
            if path == "/" { "hello world".to_owned() } else { "0123456789".repeat(100_000) };
        let wrong = body.iter().zip(right.bytes()).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        assert_eq!(wrong, 3, "{path}");
    }
}

#[test]
fn requests_wait_as_long_as_asked() {
    if !possible() {
        return;
    }
    let rig = Rig::new(http(&json!({"delay": "10ms"})), serve);
    let mut stream = rig.connect(BOTH[1]);
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        stream.write_all(get("/").as_bytes()).unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"hello world") {
            let mut buffer = [0; 1000];
            let length = stream.read(&mut buffer).unwrap();
            got.extend_from_slice(&buffer[..length]);
        }
        times.push(start.elapsed());
    }
    times.sort();
    println!("from {:?} to {:?}, mostly {:?}", times[0], times[20], times[10]);
    // On a busy machine most take longer, but not all.
    assert!(times[0] >= Duration::from_millis(10), "{times:?}");
    assert!(times[0] < Duration::from_millis(11), "{times:?}");
}

#[test]
fn what_is_no_http_passes_whoever_speaks_first() {
    if !possible() {
        return;
    }
    let rig = Rig::new(http(&json!({"abort": "reset"})), echo);
    for bytes in [&b"*1\r\n$4\r\nPING\r\n"[..], b"\x16\x03\x01\0\0", b"hello", b"PING"] {
        let mut stream = rig.connect(BOTH[0]);
        stream.write_all(bytes).unwrap();
        let mut got = vec![0; bytes.len()];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes);
    }
    assert_eq!(rig.proxy().tally().foreign.get(), 4);
    let greeter = Rig::new(http(&json!({"abort": "reset"})), |mut stream| {
        stream.write_all(b"220 ready\r\n").unwrap();
        echo(stream);
    });
    let mut stream = greeter.connect(BOTH[1]);
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"220 ready\r\n");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 18]).unwrap();
}
