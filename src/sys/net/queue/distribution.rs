//! How far single delays are from the mean, in units of the jitter.

use super::super::netem::normal_quantile;
use crate::spec::Distribution;

/// The farthest that a delay is from the mean: what the tables of netem, 16-bit numbers in which
/// 8192 is one, can say.
const FARTHEST: f64 = i16::MAX as f64 / 8192.0;
/// The exponent of the Pareto distribution in iproute2 (`netem/pareto.c`).
const PARETO: f64 = 3.0;

/// The deviation below which a share of all deviations lies, from 0 to 1, both excluded. The same
/// distributions as those of iproute2's tables (`netem/normal.c`, `pareto.c`, `paretonormal.c`).
pub(super) fn deviation(distribution: Distribution, share: f64) -> f64 {
    let value = match distribution {
        Distribution::Uniform => 2.0 * share - 1.0,
        Distribution::Normal => normal_quantile(share),
        Distribution::Pareto => pareto(share),
        Distribution::Paretonormal => {
            0.25 * clip(normal_quantile(share)) + 0.75 * clip(pareto(share))
        }
    };
    clip(value)
}

const fn clip(value: f64) -> f64 {
    value.clamp(-FARTHEST, FARTHEST)
}

/// Its mean is 1.5 before it is moved to zero; the factor is iproute2's.
fn pareto(share: f64) -> f64 {
    ((1.0 - share).powf(-1.0 / PARETO) - 1.5) * 4.0 / 3.0
}

/// The share of a standard normal distribution below a value, by M. Abramowitz and I. A. Stegun,
/// "Handbook of Mathematical Functions", 26.2.17; its error is below 7.5e-8.
pub(super) fn normal_share(value: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] =
        [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let t = 1.0 / (0.231_641_9 * value.abs() + 1.0);
    let polynomial = COEFFICIENTS.iter().fold(0.0, |sum: f64, factor| sum.mul_add(t, *factor)) * t;
    let density = (-value * value / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let above = density * polynomial;
    let share = if value < 0.0 { above } else { 1.0 - above };
    share.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_quantile_are_inverse() {
        for step in 1..1000 {
            let share = f64::from(step) / 1000.0;
            assert!((normal_share(normal_quantile(share)) - share).abs() < 2e-7, "{share}");
        }
    }

    #[test]
    fn they_are_the_tables_of_iproute2() {
        for (name, distribution) in [
            ("normal", Distribution::Normal),
            ("pareto", Distribution::Pareto),
            ("paretonormal", Distribution::Paretonormal),
        ] {
            let path = format!("/usr/lib/x86_64-linux-gnu/tc/{name}.dist");
            let Ok(text) = std::fs::read_to_string(&path) else {
                println!("skipped: no {path} (Debian package iproute2)");
                return;
            };
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let theirs: Vec<f64> =
                lines.flat_map(str::split_whitespace).map(|word| word.parse().unwrap()).collect();
            // The outermost values are a matter of taste; the rest must agree within 3 %.
            for (at, theirs) in theirs.iter().enumerate().skip(48).take(theirs.len() - 96) {
                let share = (at as f64 + 0.5) / 4096.0;
                let ours = deviation(distribution, share);
                assert!((ours - theirs / 8192.0).abs() < 0.03, "{name} {at}: {ours} {theirs}");
            }
        }
    }
}
