//! The documents about reports name everything that there is.

use crate::outcome::Outcome;
use crate::report::json;

const EXIT_CODES: &str = include_str!("../../docs/exit-codes.md");
const REPORT_FORMAT: &str = include_str!("../../docs/report-format.md");

#[test]
fn every_outcome_is_documented_with_its_code() {
    for outcome in Outcome::ALL {
        let row = format!("| `{}` | `{outcome}` |", outcome.code());
        assert!(EXIT_CODES.contains(&row), "docs/exit-codes.md has no row `{row}`");
    }
}

#[test]
fn every_field_of_the_report_is_documented() {
    let schema = json::schema().to_value();
    let fields = schema["properties"].as_object().unwrap();
    assert!(fields.len() > 20);
    for (field, shape) in fields {
        let row = format!("| `{field}` |");
        assert!(REPORT_FORMAT.contains(&row), "docs/report-format.md has no row `{row}`");
        assert!(shape["description"].is_string(), "`{field}` has no description");
    }
    for record in ["ProbeReport", "StepReport", "ActSummary", "PhaseSpan", "Line"] {
        for field in schema["$defs"][record]["properties"].as_object().unwrap().keys() {
            let row = format!("| `{field}` |");
            assert!(REPORT_FORMAT.contains(&row), "no row `{row}`, which {record} has");
        }
    }
}
