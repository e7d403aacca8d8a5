//! `http-fault`: the requests that were named go wrong as asked, all others pass untouched, and
//! afterwards nothing is left. nginx serves, curl asks.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::injection::{Injection, refused};
use super::lan::{Lan, apart};
use super::proxied::{self, Server, curl, skip_without_redirect};

/// Puts the fault, looks, and takes it back; what `nft` lists before and after is the same.
fn fault(lan: &Lan, parameters: &[&str], look: impl FnOnce()) -> String {
    let base = ["http-fault", "--pid", lan.pid(), "ports=[8080]"];
    proxied::inject(lan, &[&base, parameters].concat(), look)
}

const URLS: [&str; 2] = ["http://198.51.1.2:8080", "http://[fd00:1::2]:8080"];

#[test]
fn some_requests_are_answered_and_the_others_pass() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        let before = URLS.map(|url| curl(&["-i", url]));
        let answer = "answer={status: 503, headers: {retry-after: '1'}, body: broken}";
        let which = "match={methods: [GET], paths: ['/orders/*'], headers: {x-user: '^4'}}";
        let proof = fault(&lan, &[answer, which], || {
            for (url, before) in URLS.iter().zip(&before) {
                let orders = format!("{url}/orders/7?x=y");
                let got = curl(&["-i", "-H", "X-User: 42", &orders]);
                assert!(
                    got.starts_with("HTTP/1.1 503 ") && got.ends_with("\r\n\r\nbroken"),
                    "{got}"
                );
                assert!(curl(&["-H", "X-User: 52", &orders]).contains("404 Not Found"));
                assert!(curl(&["-X", "PUT", "-H", "X-User: 42", &orders]).contains("nginx"));
                assert_eq!(without_date(&curl(&["-i", url])), without_date(before));
            }
        });
        assert!(proof.contains(" affected"), "{proof}");
        assert_eq!(
            URLS.map(|url| without_date(&curl(&["-i", url]))),
            before.map(|it| without_date(&it))
        );
    });
}

fn without_date(answer: &str) -> String {
    answer.lines().filter(|line| !line.starts_with("Date:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn both_versions_of_http_are_delayed_and_answered() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        let time = |url: &str, version: &str| -> f64 {
            let url = url.replace("8080", if version == "--http1.1" { "8080" } else { "8081" });
            let got = curl(&[version, "-w", "\n%{http_version} %{time_total}", &url]);
            let (version_used, time) = got.lines().last().unwrap().split_once(' ').unwrap();
            assert_eq!(version_used, if version == "--http1.1" { "1.1" } else { "2" });
            assert!(got.contains("hello from nginx"), "{got}");
            time.parse().unwrap()
        };
        let parameters =
            ["delay=150ms", "response={headers: {set: {x-fault: 'yes'}}}", "ports=[8080, 8081]"];
        let base = ["http-fault", "--pid", lan.pid()];
        let proof = proxied::inject(&lan, &[&base[..], &parameters].concat(), || {
            for url in URLS {
                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    let time = time(url, version);
                    println!("{url} {version}: {time}");
                    assert!((0.150..0.400).contains(&time), "{url} {version}: {time}");
                }
                let second = url.replace("8080", "8081");
                let head = curl(&["-I", "--http2-prior-knowledge", &second]);
                assert!(head.contains("x-fault: yes"), "{head}");
            }
        });
        assert!(proof.contains("requests delayed by 15"), "{proof}");
        assert!(time(URLS[0], "--http1.1") < 0.15);
    });
}

/// Who waits for an answer would otherwise wait for ever: the server has never heard of it.
#[test]
fn whoever_waits_is_reset_when_it_ends() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        let mut waiting = Vec::new();
        fault(&lan, &["delay=1m"], || {
            for url in URLS {
                let address = url.trim_start_matches("http://");
                let mut stream = TcpStream::connect(address).expect("nginx listens");
                stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is open");
                stream.set_read_timeout(Some(Duration::from_secs(5))).expect("it is open");
                waiting.push(stream);
            }
        });
        for mut stream in waiting {
            let error = stream.read(&mut [0]).expect_err("there is no answer");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    });
}

/// Field failure D3: clients that keep their connections.
#[test]
fn connections_from_before_are_reset_or_counted() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        let ask = |stream: &mut TcpStream| {
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
            let mut got = [0; 4096];
            let length = stream.read(&mut got)?;
            std::io::Result::Ok(String::from_utf8_lossy(&got[..length]).into_owned())
        };
        for (existing, url) in [("reset", URLS[0]), ("keep", URLS[0]), ("keep", URLS[1])] {
            let address = url.trim_start_matches("http://");
            let mut old = TcpStream::connect(address).expect("nginx listens");
            assert!(ask(&mut old).unwrap().contains("200 OK"));
            let words = format!("existing={existing}");
            let proof = fault(&lan, &["answer={status: 503}", &words], || {
                let answer = ask(&mut old);
                if existing == "reset" {
                    assert!(answer.is_err() || answer.as_deref().is_ok_and(str::is_empty));
                } else {
                    assert!(answer.unwrap().contains("200 OK"), "the old connection goes on");
                }
                assert!(curl(&["-i", url]).starts_with("HTTP/1.1 503 "));
            });
            let said = match existing {
                "reset" => "1 connection from before reset",
                _ => "1 connection from before not led through it",
            };
            assert!(proof.contains(said), "{proof}");
            if existing == "keep" {
                assert!(ask(&mut old).unwrap().contains("200 OK"), "and afterwards");
            }
        }
    });
}

#[test]
fn a_node_lies() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        let right = curl(&[URLS[0]]);
        fault(&lan, &["response={corrupt: 2}"], || {
            let wrong = curl(&[URLS[1]]);
            // What is no text any more counts as one character.
            assert_eq!(wrong.chars().count(), right.chars().count());
            assert_ne!(wrong, right);
        });
        let code = |url: &str| curl(&["-o", "/dev/null", "-w", "%{exitcode}", url]);
        for (parameter, expected) in
            [("response={truncate: 5B}", "18"), ("abort=reset", "56"), ("abort=close", "52")]
        {
            // 18: transferred a partial file; 52: empty reply; 56: failure in receiving.
            fault(&lan, &[parameter], || assert_eq!(code(URLS[0]), expected, "{parameter}"));
        }
        assert_eq!(curl(&[URLS[0]]), right);
    });
}

/// Whoever is killed, at whatever moment: connections go where they want, and nothing is left.
#[test]
fn nothing_outlives_its_holders() {
    if skip_without_redirect() {
        return;
    }
    apart(|| {
        let lan = Lan::new(1);
        let Some(_server) = Server::nginx(&lan) else { return };
        lan.inside("ip link set lo up");
        let before = lan.inside("nft list ruleset");
        for (agent, controller) in [(true, false), (false, true), (true, true)] {
            let args = ["http-fault", "--pid", lan.pid(), "ports=[8080]", "answer={status: 503}"];
            let fault = Injection::start(&args);
            assert!(curl(&["-i", URLS[0]]).starts_with("HTTP/1.1 503 "));
            proxied::kill(&fault, agent, controller);
            proxied::eventually_gone(&lan, &before);
            assert!(curl(&["-i", URLS[0]]).starts_with("HTTP/1.1 200 "));
            assert!(!lan.inside("ss -Htln").contains("4096"), "nobody listens who should not");
        }
    });
}

#[test]
fn the_hosts_network_is_refused() {
    let target = super::target::Target::sleeper();
    let args = ["http-fault", "--pid", target.arg(), "--for", "1s", "ports=[80]", "delay=1s"];
    let said = refused(&args);
    assert!(said.contains("shares the host's network"), "{said}");
}
