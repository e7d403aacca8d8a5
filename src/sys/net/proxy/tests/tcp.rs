use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

/// How long it takes until a byte is back.
fn round_trip(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    stream.write_all(b"!").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    start.elapsed()
}

/// What comes until the end, or the error that ends it.
fn rest(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).map_err(|error| error.kind())
}

#[test]
fn data_waits_as_long_as_asked_over_both_families() {
    if !possible() {
        return;
    }
    let latency = json!({"delay": "20ms", "stream": "both", "toxicity": "100%"});
    let rig = Rig::new(toxics(&json!({ "latency": latency, })), echo);
    for address in BOTH {
        let mut stream = rig.connect(address);
        let mut times: Vec<_> = (0..21).map(|_| round_trip(&mut stream)).collect();
        times.sort();
        println!("{address}: {:?}", times[10]);
        assert!(times[0] >= Duration::from_millis(40), "{times:?}");
        // On a busy machine most take longer, but not all.
        assert!(times[0] < Duration::from_millis(42), "{times:?}");
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&mut stream), Ok(0));
    }
    let tally = rig.proxy().tally();
    assert_eq!((tally.connections.get(), tally.spoilt_connections.get()), (2, 2));
    assert!(tally.mean_wait().unwrap() >= Duration::from_millis(20));
}

#[test]
fn what_no_toxic_befalls_passes_whole() {
    if !possible() {
        return;
    }
    let rig = Rig::new(toxics(&json!({"timeout": {"toxicity": "0%"}})), echo);
    for address in BOTH {
        let mut stream = rig.connect(address);
        let mut writer = stream.try_clone().unwrap();
        let sent: Vec<u8> = (0..4_000_000_u64).map(|n| ((n * n) >> 3).to_le_bytes()[0]).collect();
        let wanted = sent.clone();
        let thread = std::thread::spawn(move || {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        thread.join().unwrap();
        assert!(got == wanted, "{} bytes", got.len());
    }
    assert_eq!(rig.proxy().tally().spoilt_connections.get(), 0);
}

#[test]
fn a_rate_is_kept() {
    if !possible() {
        return;
    }
    let rig = Rig::new(toxics(&json!({"bandwidth": {"rate": "100kB/s"}})), echo);
    let mut stream = rig.connect(BOTH[0]);
    let start = Instant::now();
    stream.write_all(&vec![7; 20_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), Ok(20_000));
    let elapsed = start.elapsed().as_millis();
    assert!((195..600).contains(&elapsed), "{elapsed} ms");
}

#[test]
fn data_comes_in_slices() {
    if !possible() {
        return;
    }
    let slicer = json!({"average-size": "10B", "size-variation": "5B", "delay": "2ms"});
    let rig = Rig::new(toxics(&json!({ "slicer": slicer })), echo);
    let mut stream = rig.connect(BOTH[1]);
    stream.write_all(&[7; 100]).unwrap();
    let (mut got, mut sizes) = (0, Vec::new());
    while got < 100 {
        sizes.push(stream.read(&mut [0; 100]).unwrap());
        got += sizes.last().unwrap();
    }
    assert!(sizes.len() >= 5, "{sizes:?}");
}

#[test]
fn the_end_comes_late_early_or_never() {
    if !possible() {
        return;
    }
    let late = Rig::new(toxics(&json!({"slow-close": {"delay": "60ms"}})), echo);
    let mut stream = late.connect(BOTH[0]);
    round_trip(&mut stream);
    let start = Instant::now();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), Ok(0));
    assert!(start.elapsed() >= Duration::from_millis(60));

    let early = Rig::new(toxics(&json!({"limit-data": {"bytes": "5B"}})), echo);
    let mut stream = early.connect(BOTH[0]);
    stream.write_all(b"hello world").unwrap();
    assert_eq!(rest(&mut stream), Ok(5));

    let never = Rig::new(toxics(&json!({"timeout": {}})), echo);
    let mut stream = never.connect(BOTH[0]);
    stream.write_all(b"hello").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(rest(&mut stream), Err(ErrorKind::WouldBlock));
    assert_eq!(never.proxy().tally().spoilt_connections.get(), 1);

    let closed = Rig::new(toxics(&json!({"timeout": {"after": "50ms"}})), echo);
    let start = Instant::now();
    assert_eq!(rest(&mut closed.connect(BOTH[0])), Ok(0));
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_connection_is_reset_at_once_or_later() {
    if !possible() {
        return;
    }
    for after in ["0s", "30ms"] {
        let reset = json!({"after": after, "stream": "upstream"});
        let rig = Rig::new(toxics(&json!({ "reset-peer": reset })), echo);
        let mut stream = rig.connect(BOTH[0]);
        stream.write_all(b"hello").unwrap();
        assert_eq!(rest(&mut stream), Err(ErrorKind::ConnectionReset), "{after}");
        assert_eq!(rig.proxy().tally().spoilt_connections.get(), 1);
    }
}

#[test]
fn a_share_of_connections_is_befallen() {
    if !possible() {
        return;
    }
    let reset = json!({"stream": "upstream", "toxicity": "50%"});
    let rig = Rig::new(toxics(&json!({ "reset-peer": reset })), echo);
    for _ in 0..100 {
        let mut stream = rig.connect(BOTH[0]);
        stream.write_all(b"!").unwrap();
        let _ = stream.read(&mut [0]);
    }
    let befallen = rig.proxy().tally().spoilt_connections.get();
    assert!((30..70).contains(&befallen), "{befallen}");
}

#[test]
fn nobody_listening_is_a_reset() {
    if !possible() {
        return;
    }
    let rig = Rig::new(toxics(&json!({"timeout": {"after": "1ms"}})), drop);
    // Within its namespace the proxy's own port leads nowhere.
    let port = rig.proxy().port();
    let direct = rig.pair.far.run_in(|| TcpStream::connect((ip("127.0.0.1"), port)).unwrap());
    assert!(matches!(rest(&mut direct.unwrap()), Ok(0) | Err(ErrorKind::ConnectionReset)));
    assert_eq!(rig.proxy().tally().connections.get(), 0);
}
