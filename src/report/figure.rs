//! Figures as people read them.

use crate::verdict::LimitVerdict;

/// A length of time, with as many digits as matter: `0.4 ms`, `412 ms`, `4.2 s`, `2m05s`.
#[expect(clippy::cast_precision_loss, reason = "two or three digits are shown")]
pub(super) fn time(nanos: u64) -> String {
    let seconds = nanos as f64 / 1e9;
    match nanos {
        0 => "0 s".to_owned(),
        1..10_000 => format!("{:.1} µs", seconds * 1e6),
        10_000..100_000 => format!("{:.0} µs", seconds * 1e6),
        100_000..9_950_000 => format!("{:.1} ms", seconds * 1e3),
        9_950_000..999_500_000 => format!("{:.0} ms", seconds * 1e3),
        999_500_000..59_950_000_000 => format!("{seconds:.1} s"),
        _ => {
            let whole = (nanos + 500_000_000) / 1_000_000_000;
            match whole / 3600 {
                0 => format!("{}m{:02}s", whole / 60, whole % 60),
                hours => format!("{hours}h{:02}m", whole / 60 % 60),
            }
        }
    }
}

/// A share in percent. Only all of it is written as `100%`, only nothing as `0%`.
pub(super) fn percent(share: f64) -> String {
    if share >= 100.0 {
        "100%".to_owned()
    } else if share <= 0.0 {
        "0%".to_owned()
    } else {
        format!("{:.1}%", share.clamp(0.1, 99.9))
    }
}

/// A plain number without needless digits.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many of what: `1 sample`, `20 samples`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A broken limit as a comparison that is true: `success 91.3% < 95%`.
pub(super) fn broken(limit: &LimitVerdict) -> String {
    let mut words = limit.limit.split_whitespace();
    if let (Some(figure), Some(bound), Some(asked), None) =
        (words.next(), words.next(), words.next(), words.next())
        && let Some(sign) = opposite(bound)
    {
        return format!("{figure} {} {sign} {asked}", limit.measured);
    }
    format!("{} (asked: {})", limit.measured, limit.limit)
}

fn opposite(bound: &str) -> Option<&'static str> {
    Some(match bound.trim_end_matches(':') {
        "at-least" => "<",
        "at-most" => ">",
        "above" => "≤",
        "below" => "≥",
        "equals" => "≠",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn times_have_the_digits_that_matter() {
        let of = |nanos: &[u64]| nanos.iter().map(|n| time(*n)).collect::<Vec<_>>().join(", ");
        assert_eq!(
            of(&[0, 1_500, 42_000, 400_000, 9_960_000, 412_000_000, 999_600_000]),
            "0 s, 1.5 µs, 42 µs, 0.4 ms, 10 ms, 412 ms, 1.0 s"
        );
        assert_eq!(of(&[4_200_000_000, 59_960_000_000, 3_599_600_000_000]), "4.2 s, 1m00s, 1h00m");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(99.99), "99.9%");
        assert_eq!(percent(0.01), "0.1%");
        assert_eq!(percent(91.3), "91.3%");
        assert_eq!(percent(100.0), "100%");
    }

    #[test]
    fn a_broken_limit_reads_as_a_true_comparison() {
        let mut limit = LimitVerdict {
            limit: "p99 at-most 300ms".to_owned(),
            measured: "412ms".to_owned(),
            missed_by: None,
            first_broken: None,
            verdict: Verdict::Deviated,
        };
        assert_eq!(broken(&limit), "p99 412ms > 300ms");
        limit.limit = "something else entirely here".to_owned();
        assert_eq!(broken(&limit), "412ms (asked: something else entirely here)");
    }
}
