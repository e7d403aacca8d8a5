//! Reports are valid, read back, and keep their shape.

use super::*;
use crate::report::fixture;
use crate::sample::Phase;

fn rendered(summary: &Summary) -> String {
    let mut out = Vec::new();
    render(summary, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_report_is_valid_and_reads_back() {
    let schema = schema().to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for events in fixture::all() {
        let summary = fixture::summary(&events);
        let text = rendered(&summary);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        let back: JsonReport = serde_json::from_str(&text).unwrap();
        assert_eq!(back, JsonReport::of(&summary).unwrap());
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a whole report")]
fn the_shape_of_a_report() {
    let mut report = JsonReport::of(&fixture::summary(&fixture::deviated())).unwrap();
    report.timeline.truncate(2);
    report.probes.truncate(1);
    report.probes[0].verdicts.retain(|verdict| verdict.phase == Phase::During);
    report.probes[0].counts.truncate(1);
    report.setup.truncate(1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
    {
      "format": 1,
      "version": "0.1.0",
      "run": "20261120-7f3k",
      "title": "Checkout survives a slow payment service",
      "hypothesis": "checkouts succeed, and fast",
      "file": "slow-payment.yaml",
      "folder": "/var/lib/shakedown/20261120-7f3k",
      "seed": 42,
      "plan-hash": "3f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a53f9a1c2b77d0e6a5",
      "began": "2026-11-20T10:00:00Z",
      "length": 11247000000,
      "outcome": "deviated",
      "exit-code": 1,
      "cause": "during `slow payment`, checkout success 91.3% < 95% (missed by 3.7 points), first at +4.2 s",
      "next": null,
      "deviations": [
        "during `slow payment`, checkout success 91.3% < 95% (missed by 3.7 points), first at +4.2 s"
      ],
      "doubts": [],
      "phases": [
        {
          "phase": "before",
          "began": 240000000,
          "ended": 2240000000,
          "planned": "2s"
        },
        {
          "phase": "during",
          "began": 2240000000,
          "ended": 8245000000,
          "planned": "6s"
        },
        {
          "phase": "recovery",
          "began": 8245000000,
          "ended": 9245000000,
          "planned": "30s"
        },
        {
          "phase": "after",
          "began": 9245000000,
          "ended": 11247000000,
          "planned": "2s"
        }
      ],
      "probes": [
        {
          "name": "checkout",
          "what": "http GET http://127.0.0.1:8080/checkout",
          "rate": "10/s",
          "measures-value": false,
          "verdicts": [
            {
              "probe": "checkout",
              "phase": "during",
              "verdict": "deviated",
              "figures": {
                "samples": 46,
                "ok": 42,
                "violated": 4,
                "unreachable": 0,
                "probe-errors": 0,
                "success-percent": 91.30434782608695,
                "latency": {
                  "p50": 250000000,
                  "p90": 500000000,
                  "p95": 500000000,
                  "p99": 750000000,
                  "max": 1000000000
                },
                "value": null
              },
              "limits": [
                {
                  "limit": "success at-least 95%",
                  "measured": "91.3%",
                  "missed-by": "3.7 points",
                  "first-broken": 6440000000,
                  "verdict": "deviated"
                }
              ]
            }
          ],
          "counts": [
            {
              "phase": "before",
              "ok": 20,
              "violated": 0,
              "unreachable": 0,
              "probe-errors": 0
            }
          ],
          "recovery": {
            "probe": "checkout",
            "verdict": "held",
            "time-to-detect-ns": 300000000,
            "outage-ns": 6100000000,
            "time-to-recover-ns": 1400000000,
            "limit": "within 30s, hold 5s"
          }
        }
      ],
      "steps": [
        {
          "step": 0,
          "name": "slow payment",
          "began": 2240000000,
          "ended": 8245000000,
          "planned": "6s",
          "manner": null,
          "acts": [
            {
              "act": 3,
              "step": 0,
              "fault": "network-latency",
              "site": {
                "service": {
                  "name": "payment"
                }
              },
              "class": "G",
              "injected": 2244000000,
              "effect": {
                "strength": "proved",
                "evidence": "qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed"
              },
              "undone": {
                "at": 8245000000,
                "reverted": "restored"
              }
            }
          ],
          "failures": []
        }
      ],
      "setup": [
        {
          "act": 1,
          "step": null,
          "fault": "start-service",
          "site": {
            "service": {
              "name": "payment"
            }
          },
          "class": "G",
          "injected": 0,
          "effect": {
            "strength": "proved",
            "evidence": "its process runs"
          },
          "undone": {
            "at": 11247000000,
            "reverted": "restored"
          }
        }
      ],
      "services": [
        {
          "name": "payment",
          "state": {
            "exited": {
              "how": "killed by SIGTERM"
            }
          },
          "restarts": 0
        },
        {
          "name": "api",
          "state": {
            "exited": {
              "how": "killed by SIGTERM"
            }
          },
          "restarts": 0
        }
      ],
      "interruptions": [],
      "residue": [],
      "timeline": [
        {
          "at": 120000000,
          "mark": "good",
          "nested": false,
          "text": "service payment ready"
        },
        {
          "at": 240000000,
          "mark": "good",
          "nested": false,
          "text": "service api ready"
        }
      ]
    }
    "#);
}

#[test]
fn a_summary_without_a_run_is_no_report() {
    assert!(JsonReport::of(&Summary::default()).is_err());
}
