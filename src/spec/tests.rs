//! A good file, the ways to spoil it, and properties that hold for all files.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::{Context, Experiment, Mistakes, parse};

/// A file that uses most of the format.
pub(crate) const GOOD: &str = r#"version: 1
title: Checkout survives a slow payment service
tags: [checkout]
variables:
  base: { default: "http://127.0.0.1:8080", env: CHECKOUT_URL }
  most: { default: 2 }
secrets:
  token: { env: TOKEN }
services:
  payment:
    command: ["${shakedown}", demo, --state, "${run.dir}/state"]
    environment: { API_TOKEN: "${secret.token}" }
    ready: { tcp: { address: "${service.payment.address}:5000" } }
    network: own
  worker:
    command: [worker]
hypothesis:
  title: checkouts succeed, and fast
  probes:
    - name: checkout
      http:
        url: "${base}/checkout"
        headers: { authorization: "Bearer ${secret.token}" }
        expect: { json: { path: $.total } }
      tolerance: { success: { at-least: 99% }, p99: { at-most: 300ms } }
      recovery: { within: 30s, hold: 5s }
    - name: workers
      process: { service: worker }
      tolerance: { value: { at-least: 1 } }
abort:
  - { probe: checkout, when: { success: { below: 50% } }, for: 5s }
blast-radius: { max-targets: "${most}", max-duration: 2m }
method:
  - name: slow
    target: { service: payment }
    fault: { network-latency: { delay: 250ms, jitter: 50ms } }
    for: 30s
  - wait: 5s
  - name: both
    parallel:
      - { target: { process: { name: nginx } }, fault: process-pause, for: 10s }
      - { target: { service: worker }, fault: process-restart }
"#;

pub(super) fn read_with(text: &str, overrides: &[(&str, &str)]) -> Result<Experiment, Mistakes> {
    let overrides: BTreeMap<String, String> =
        overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let context = Context {
        overrides,
        environment: &|name| (name == "HOSTILE").then(|| "${secret.token}\u{1b}[31m".to_owned()),
        read_file: &|path: &Path| match path.to_str() {
            Some("/host") => Ok("db.example\nsecond line\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        },
        binary: "/usr/bin/shakedown".into(),
        subnets: vec!["10.99.0.0/24".parse().unwrap()],
    };
    parse(text, "experiment.yaml", &context)
}

pub(crate) fn read(text: &str) -> Result<Experiment, Mistakes> {
    read_with(text, &[])
}

/// What is said when a piece of the good file is replaced.
pub(super) fn spoilt(piece: &str, by: &str) -> String {
    assert!(GOOD.contains(piece), "the good file has no `{piece}`");
    read(&GOOD.replacen(piece, by, 1)).expect_err("a mistake").to_string()
}

#[test]
fn the_good_file_is_read() {
    let experiment = read(GOOD).unwrap();
    assert_eq!(experiment.blast_radius.max_targets, 2);
    assert_eq!(experiment.services["payment"].command[0], "/usr/bin/shakedown");
    let ready = experiment.services["payment"].ready.as_ref().unwrap();
    assert_eq!(ready.tcp.as_ref().unwrap().address, "10.99.0.2:5000");
    let http = experiment.hypothesis.probes[0].http.as_ref().unwrap();
    assert_eq!(http.url, "http://127.0.0.1:8080/checkout");
    assert_eq!(http.headers["authorization"], "Bearer ${secret.token}");
}

#[test]
fn a_byte_order_mark_and_line_breaks_of_windows_do_not_matter() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(read(&text).unwrap(), read(GOOD).unwrap());
    let mistakes = read(&text.replace("for: 30s", "for: 30")).unwrap_err().to_string();
    assert!(mistakes.contains("37:10") && !mistakes.contains('\r'), "{mistakes}");
}

#[test]
fn variables_come_from_the_first_source_that_has_them() {
    let file = GOOD.replace("default: 2", "default: 2, file: /host, env: HOSTILE");
    let most = |overrides: &[_], file: &str| {
        read_with(file, overrides).map(|experiment| experiment.blast_radius.max_targets)
    };
    assert_eq!(most(&[("most", "7")], &file).unwrap(), 7);
    assert!(most(&[], &file).unwrap_err().to_string().contains("the text `${secret.token}"));
    let file = file.replace(", env: HOSTILE", "");
    assert!(most(&[], &file).unwrap_err().to_string().contains("the text `db.example`"));
    assert_eq!(most(&[], &file.replace("/host", "/none")).unwrap(), 2);
}

#[test]
fn a_variable_becomes_what_its_place_asks_for() {
    let file = GOOD
        .replace("path: $.total", "path: $.total, equals: \"${most}\"")
        .replace("command: [worker]", "command: [worker, \"${most}\"]")
        .replace("delay: 250ms", "delay: \"${most}50ms\"");
    let experiment = read(&file).unwrap();
    let json = experiment.hypothesis.probes[0].http.as_ref().unwrap().expect.json.clone();
    assert_eq!(json.unwrap().equals.unwrap(), 2);
    assert_eq!(experiment.services["worker"].command[1], "2");
}

#[test]
fn what_comes_from_outside_is_never_taken_for_a_reference() {
    let file = GOOD
        .replace("most: { default: 2 }", "most: { default: 2 }\n  mean: { env: HOSTILE }")
        .replace(
            "API_TOKEN: \"${secret.token}\"",
            "MEAN: \"a ${mean}\", ALONE: \"${mean}\", LITERAL: \"$${x}\"",
        );
    let experiment = read(&file).unwrap();
    let environment = &experiment.services["payment"].environment;
    let filled = |name: &str| {
        super::template::fill(&environment[name], |_| Some("the secret".to_owned())).unwrap()
    };
    assert_eq!(filled("MEAN"), "a ${secret.token}\u{1b}[31m");
    assert_eq!(filled("ALONE"), "${secret.token}\u{1b}[31m");
    assert_eq!(filled("LITERAL"), "${x}");
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let level = |level: usize| {
        let below = level.checked_sub(1).map_or("x".to_owned(), |below| format!("*a{below}"));
        format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "))
    };
    let bomb: String = (0..9).map(level).collect();
    let start = std::time::Instant::now();
    let mistakes = read(&bomb).unwrap_err().to_string();
    assert!(mistakes.contains("more than 20000 values"), "{mistakes}");
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn little_text_never_becomes_much() {
    let long = "x".repeat(100_000);
    let aliases = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 1000].join(", "));
    assert!(read(&aliases).unwrap_err().to_string().contains("more than 1 MiB"));
    let piece = "most: { default: 2 }";
    let variables = GOOD
        .replace(piece, &format!("{piece}\n  long: {{ default: {long} }}"))
        .replace("tags: [checkout]", &format!("tags: [\"{}\"]", "${long}".repeat(10_000)));
    assert!(read(&variables).unwrap_err().to_string().contains("more than 1 MiB"));
}

#[test]
fn many_mistakes_are_counted() {
    let waits = "  - wait: 0s\n".repeat(5000);
    let start = std::time::Instant::now();
    let mistakes = read(&format!("{GOOD}{waits}")).unwrap_err();
    assert_eq!(mistakes.count(), 5000);
    assert!(mistakes.to_string().ends_with("and 4980 more"));
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn colours_are_only_there_when_asked_for() {
    let mistakes = read("version: 3").unwrap_err();
    assert!(mistakes.render(true).contains('\u{1b}'));
    assert!(!mistakes.render(false).contains('\u{1b}'));
    assert_eq!(crate::error::Error::from(mistakes).outcome(), crate::outcome::Outcome::Usage);
}

/// The keys of the good file that the format defines, with their byte ranges.
fn keys() -> Vec<std::ops::Range<usize>> {
    let free = ["base", "most", "token", "payment", "worker", "API_TOKEN", "authorization", "http"];
    let key = regex::Regex::new(r"([A-Za-z0-9_-]+): ?").unwrap();
    let found = key.captures_iter(GOOD).filter_map(|found| found.get(1));
    let start = |line: &str| GOOD.find(line).unwrap();
    let texts = [start("title: Checkout")..start("tags"), start("\"http://")..start("  most:")];
    found
        .filter(|key| !free.contains(&key.as_str()) || key.start() > start("    - name: checkout"))
        .filter(|key| key.as_str() != "authorization")
        .filter(|key| {
            key.start() == texts[0].start || !texts.iter().any(|text| text.contains(&key.start()))
        })
        .filter(|key| {
            !GOOD[key.end()..].starts_with(":5000") && !GOOD[key.end()..].starts_with("://")
        })
        .map(|key| key.range())
        .collect()
}

fn edited(range: std::ops::Range<usize>, edit: u8, at: usize, letter: char) -> String {
    let mut key: Vec<char> = GOOD[range.clone()].chars().collect();
    let at = at % key.len();
    match edit {
        0 => drop(key.remove(at)),
        1 => key.insert(at, letter),
        _ => key[at] = letter,
    }
    let key: String = key.into_iter().collect();
    format!("{}{key}{}", &GOOD[..range.start], &GOOD[range.end..])
}

proptest! {
    #[test]
    fn a_letter_wrong_in_a_key_never_passes(
        key in prop::sample::select(keys()),
        edit in 0_u8..3,
        at in 0_usize..20,
        letter in prop::sample::select(vec!['x', 'q', '_', 'e', 'E', '-']),
    ) {
        let text = edited(key, edit, at, letter);
        prop_assume!(text != GOOD);
        prop_assert!(read(&text).is_err(), "{}", text);
    }

    #[test]
    fn no_edit_makes_it_panic(
        edits in prop::collection::vec((0_usize..GOOD.len(), 0_usize..60, 0_u8..3, any::<char>()), 1..4)
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (start, length, edit, letter) in edits {
            let start = start % text.len().max(1);
            let end = (start + length).min(text.len());
            match edit {
                0 => drop(text.drain(start..end)),
                1 => { let piece = text[start..end].to_vec(); text.splice(start..start, piece); }
                _ => text.insert(start, letter),
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(mistakes) = read(&text) {
            let clean = |c: char| c == '\n' || !c.is_control();
            prop_assert!(mistakes.render(false).chars().all(clean), "{}", mistakes);
            prop_assert!(!mistakes.render(true).is_empty());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}|[-:{}\\[\\]&*!|>'\"%@`#,?\n a$]{0,80}") {
        let _ = read(&text).map_err(|mistakes| mistakes.render(true));
    }
}
