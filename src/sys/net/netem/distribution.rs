//! Distributions of delays as netem wants them: tables of the inverse of their cumulative function
//! with mean 0 and deviation 1, scaled by `NETEM_DIST_SCALE` (`linux/pkt_sched.h`). Computed by the
//! mathematics of iproute2's `netem/*.c`, not copied.

use super::normal::quantile;
use crate::spec::Distribution;

/// How many values there are: as many as in iproute2's tables.
const SIZE: u16 = 4096;
/// The value of one standard deviation.
const SCALE: f64 = 8192.0;
/// The exponent of the Pareto distribution; with 3 the mean is 1.5 and the deviation 3/4.
const EXPONENT: f64 = 3.0;

/// The table; `None` for the uniform distribution, which the kernel knows by itself. The kernel
/// picks one of the values by chance for each packet.
pub(super) fn table(distribution: Distribution) -> Option<Vec<i16>> {
    let value: fn(u16) -> f64 = match distribution {
        Distribution::Uniform => return None,
        Distribution::Normal => |index| normal(index).round(),
        Distribution::Pareto => |index| pareto(index).round(),
        Distribution::Paretonormal => {
            |index| (3.0_f64.mul_add(pareto(index).round(), normal(index).round()) / 4.0).trunc()
        }
    };
    Some((0..SIZE).map(|index| small(value(index))).collect())
}

/// Each value stands for the middle of its share of the probability, so that the mean is zero.
fn normal(index: u16) -> f64 {
    quantile((f64::from(index) + 0.5) / f64::from(SIZE)) * SCALE
}

/// `x^(-1/3)` for a share `x` that falls from 1, less the mean, by the deviation.
fn pareto(index: u16) -> f64 {
    let share = 1.0 - f64::from(index) / f64::from(SIZE);
    let value = (share.powf(-1.0 / EXPONENT) - 1.5) * (4.0 / 3.0) * SCALE;
    value.min(f64::from(i16::MAX))
}

fn small(value: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let value = value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [(Distribution, &str); 3] = [
        (Distribution::Normal, "normal"),
        (Distribution::Pareto, "pareto"),
        (Distribution::Paretonormal, "paretonormal"),
    ];

    #[test]
    fn the_normal_table_has_mean_zero_and_deviation_one() {
        let table = table(Distribution::Normal).unwrap();
        let values: Vec<f64> = table.iter().map(|value| f64::from(*value)).collect();
        let mean = values.iter().sum::<f64>() / f64::from(SIZE);
        let deviation = (values.iter().map(|v| v * v).sum::<f64>() / f64::from(SIZE)).sqrt();
        assert!(mean.abs() < 1.0, "{mean}");
        assert!((deviation / SCALE - 1.0).abs() < 0.002, "{deviation}");
    }

    #[test]
    fn they_are_the_tables_of_iproute2() {
        for (distribution, name) in TABLES {
            let path = format!("/usr/lib/x86_64-linux-gnu/tc/{name}.dist");
            let Ok(text) = std::fs::read_to_string(&path) else {
                println!("skipped: no {path} (Debian package iproute2)");
                return;
            };
            let theirs: Vec<f64> = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .flat_map(str::split_whitespace)
                .map(|word| word.parse().unwrap())
                .collect();
            let ours = table(distribution).unwrap();
            assert_eq!(ours.len(), theirs.len());
            // The outermost values of a normal distribution are a matter of taste; the rest must
            // agree within 1 % of sigma.
            for (ours, theirs) in ours.iter().zip(&theirs).skip(48).take(4000) {
                assert!((f64::from(*ours) - theirs).abs() < SCALE / 100.0, "{ours} {theirs}");
            }
        }
    }
}
