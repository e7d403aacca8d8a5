//! Figures as people write them.

/// Such as `412ms`, `1.24s`, `85.3us`: four significant digits.
pub(super) fn duration(nanos: f64) -> String {
    let (scale, unit) = match nanos.abs() {
        n if n >= 1e9 => (1e9, "s"),
        n if n >= 1e6 => (1e6, "ms"),
        n if n >= 1e3 => (1e3, "us"),
        n if n > 0.0 => (1.0, "ns"),
        _ => (1.0, "s"),
    };
    format!("{}{unit}", number(nanos / scale))
}

/// Such as `98.95%`; cut and not rounded, so that a share short of 100 % never reads `100%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", trimmed(format!("{:.2}", (share * 100.0 + 1e-6).floor() / 100.0)))
}

/// Such as `4.2 points`; at least one significant digit.
pub(super) fn points(difference: f64) -> String {
    let text = number(difference);
    let unit = if text == "1" { "point" } else { "points" };
    format!("{text} {unit}")
}

/// Four significant digits for what has a fraction, all digits before the point.
pub(super) fn number(figure: f64) -> String {
    let magnitude = figure.abs();
    if magnitude == 0.0 || !figure.is_finite() {
        return if figure == 0.0 { "0".to_owned() } else { figure.to_string() };
    }
    #[expect(clippy::cast_possible_truncation, reason = "exponents of f64 are within ±324")]
    let exponent = magnitude.log10().floor() as i32;
    let decimals = usize::try_from(3 - exponent).unwrap_or(0);
    trimmed(format!("{figure:.decimals$}"))
}

fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let lines = [
            duration(412e6),
            duration(300.4e6),
            duration(0.0),
            duration(85_312.0),
            duration(83.2e9),
            percent(99.999),
            percent(98.95),
            percent(1.13),
            percent(100.0),
            points(4.2),
            points(1.0),
            points(0.004),
            number(209_715_200.0),
            number(-0.5),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        412ms
        300.4ms
        0s
        85.31us
        83.2s
        99.99%
        98.95%
        1.13%
        100%
        4.2 points
        1 point
        0.004 points
        209715200
        -0.5
        ");
    }
}
