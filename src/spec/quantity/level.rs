//! How strong a fault is, in whatever quantity the fault has.

use std::fmt;
use std::str::FromStr;

use super::text::text_quantity;
use super::{BitRate, Duration, Percent, Size};

/// How strong a fault is, in the quantity of the fault's own parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// A delay.
    Delay(Duration),
    /// A probability, a load or a share.
    Share(Percent),
    /// A data rate.
    Rate(BitRate),
    /// An amount of data.
    Size(Size),
}

impl Level {
    /// What kind of quantity it is, with an example.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Delay(_) => "a duration such as `250ms`",
            Self::Share(_) => "a share such as `50%`",
            Self::Rate(_) => "a data rate such as `10Mbit/s`",
            Self::Size(_) => "a size such as `500MB`",
        }
    }

    /// Whether both are of the same kind.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        match self {
            Self::Delay(delay) => delay.is_zero(),
            Self::Share(share) => share.get() <= 0.0,
            Self::Rate(rate) => rate.bits() == 0,
            Self::Size(size) => size.bytes() == 0,
        }
    }

    /// The level after `part` of `steps` equal steps to another one, rounded to whole microseconds,
    /// bits, bytes or thousandths of a percent; the ends are exact. `None` if the two differ in kind.
    #[must_use]
    pub fn towards(self, end: Self, part: u32, steps: u32) -> Option<Self> {
        if part == 0 || part >= steps {
            return self.is_like(end).then_some(if part == 0 { self } else { end });
        }
        let whole = |from: u64, to: u64| between(from, to, part, steps);
        Some(match (self, end) {
            (Self::Delay(from), Self::Delay(to)) => {
                let nanos = whole(from.as_nanos(), to.as_nanos());
                let (least, most) = (from.min(to), from.max(to));
                let rounded = std::time::Duration::from_micros((nanos + 500) / 1000);
                Self::Delay(Duration::from(rounded).clamp(least, most))
            }
            (Self::Share(from), Self::Share(to)) => {
                let share =
                    from.get() + (to.get() - from.get()) * f64::from(part) / f64::from(steps);
                let (least, most) = (from.get().min(to.get()), from.get().max(to.get()));
                let rounded = (share * 1000.0).round() / 1000.0;
                Self::Share(Percent::nearest(rounded.clamp(least, most)))
            }
            (Self::Rate(from), Self::Rate(to)) => {
                Self::Rate(BitRate::from_bits(whole(from.bits(), to.bits())))
            }
            (Self::Size(from), Self::Size(to)) => {
                Self::Size(Size::from_bytes(whole(from.bytes(), to.bytes())))
            }
            _ => return None,
        })
    }
}

/// A whole number so far on the way from one to another.
fn between(from: u64, to: u64, part: u32, steps: u32) -> u64 {
    let way = (i128::from(to) - i128::from(from)) * i128::from(part) / i128::from(steps.max(1));
    u64::try_from(i128::from(from) + way).unwrap_or(to)
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The units of the four are all different, so at most one of them can be meant.
        if text.ends_with('%') {
            return text.parse().map(Self::Share);
        }
        if text.ends_with("/s") {
            return text.parse().map(Self::Rate);
        }
        if text.ends_with('B') {
            return text.parse().map(Self::Size);
        }
        text.parse().map(Self::Delay).map_err(|why: String| {
            let unit = text.bytes().any(|byte| byte.is_ascii_alphabetic());
            if unit { why } else { format!("`{text}` is no level; {NEEDED}") }
        })
    }
}

const NEEDED: &str = "write it with its unit, such as `250ms`, `50%`, `10Mbit/s` or `500MB`";

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(delay) => delay.fmt(formatter),
            Self::Share(share) => share.fmt(formatter),
            Self::Rate(rate) => rate.fmt(formatter),
            Self::Size(size) => size.fmt(formatter),
        }
    }
}

text_quantity!(
    Level,
    "a level with its unit, such as `250ms`, `50%`, `10Mbit/s` or `500MB`",
    r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$|^[0-9]+(\.[0-9]+)?(%|(bit|kbit|Mbit|Gbit|B|kB|MB|GB)/s|B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(text: &str) -> Level {
        text.parse().unwrap()
    }

    fn steps(from: &str, to: &str, steps: u32) -> String {
        let at = |part| level(from).towards(level(to), part, steps).unwrap().to_string();
        (0..=steps).map(at).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn steps_are_equal() {
        insta::assert_snapshot!(steps("50ms", "500ms", 5), @"50ms 140ms 230ms 320ms 410ms 500ms");
        insta::assert_snapshot!(steps("10%", "0.5%", 3), @"10% 6.833% 3.667% 0.5%");
        insta::assert_snapshot!(steps("10Mbit/s", "1Mbit/s", 4), @"10Mbit/s 7750kbit/s 5500kbit/s 3250kbit/s 1Mbit/s");
        insta::assert_snapshot!(steps("1MiB", "3MiB", 2), @"1MiB 2MiB 3MiB");
    }

    #[test]
    fn levels_of_different_kinds_have_nothing_between() {
        assert_eq!(level("5ms").towards(level("5%"), 1, 2), None);
        assert_eq!(level("5ms").towards(level("5%"), 0, 2), None);
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        let why = |text: &str| text.parse::<Level>().unwrap_err();
        insta::assert_snapshot!(why("50"), @"`50` is no level; write it with its unit, such as `250ms`, `50%`, `10Mbit/s` or `500MB`");
        insta::assert_snapshot!(why("500M"), @"`500M` is no duration: `M` is no unit of time; they are ns, us, ms, s, m, h, d");
        insta::assert_snapshot!(why("120%"), @"`120%` is no share: the largest is 100%");
    }

    proptest! {
        #[test]
        fn no_step_leaves_the_way(from in 1_u64..u64::MAX / 4, to in 1_u64..u64::MAX / 4, steps in 1_u32..500) {
            let nanos = |nanos| Level::Delay(std::time::Duration::from_nanos(nanos).into());
            for part in 0..=steps {
                let bits = between(from, to, part, steps);
                prop_assert!((from.min(to)..=from.max(to)).contains(&bits));
                let Some(Level::Delay(delay)) = nanos(from).towards(nanos(to), part, steps) else {
                    return Err(TestCaseError::fail("it is a delay"));
                };
                prop_assert!(!delay.is_zero());
            }
        }
    }
}
