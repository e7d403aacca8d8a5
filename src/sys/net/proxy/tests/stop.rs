use std::io::{ErrorKind, Write};
use std::time::Instant;

use super::*;

/// Field failure D23: proxies that cannot be stopped while somebody writes.
#[test]
fn a_thousand_blocked_writers_do_not_keep_it_from_ending() {
    if !possible() {
        return;
    }
    let mut rig =
        Rig::new(toxics(&json!({"bandwidth": {"rate": "1B/s", "stream": "upstream"}})), echo);
    let mut streams: Vec<_> = (0..1000).map(|n| rig.connect(BOTH[n % 2])).collect();
    for stream in &mut streams {
        stream.set_nonblocking(true).unwrap();
        while stream.write(&[0; 16384]).is_ok() {}
    }
    let proxy = rig.proxy.take().unwrap();
    assert_eq!(proxy.tally().connections.get(), 1000);
    let start = Instant::now();
    proxy.stop().unwrap();
    println!("stopped after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1));
    for stream in &mut streams {
        stream.set_nonblocking(false).unwrap();
        let mut all = Vec::new();
        let error = stream.read_to_end(&mut all).map_err(|error| error.kind());
        assert_eq!(error, Err(ErrorKind::ConnectionReset));
    }
}
