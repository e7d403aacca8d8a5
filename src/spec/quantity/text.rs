//! Quantities written as text: one macro gives each its visitor, its schema and its printing.

/// Implements `Serialize`, `Deserialize` and `JsonSchema` for a type with `FromStr` (whose error
/// is a `String` that completes "expected …") and `Display`. `numbers` lets bare numbers through
/// as their text, for quantities that have no unit.
macro_rules! text_quantity {
    ($type:ty, $expecting:literal, $pattern:literal $(, $numbers:ident)?) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $type;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }

                    $(text_quantity!(@ $numbers $type);)?
                }
                deserializer.deserialize_any(Visitor)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                text_quantity!(@schema $expecting, $pattern $(, $numbers)?)
            }
        }
    };
    (@ numbers $type:ty) => {
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$type, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<$type, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<$type, E> {
            self.visit_str(&number.to_string())
        }
    };
    (@schema $expecting:literal, $pattern:literal) => {
        schemars::json_schema!({ "type": "string", "description": $expecting, "pattern": $pattern })
    };
    (@schema $expecting:literal, $pattern:literal, numbers) => {
        schemars::json_schema!({
            "type": ["string", "number"], "description": $expecting, "pattern": $pattern
        })
    };
}

pub(super) use text_quantity;

/// Splits `12.5ms` into the text of its number and its unit; a number is digits with at most one
/// point between them.
pub(super) fn split_unit(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    (!whole.is_empty() && !fraction.is_empty() && !fraction.contains('.')).then_some((number, unit))
}

/// Splits `12.5%` into its number and its unit.
pub(super) fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let (number, unit) = split_unit(text)?;
    Some((number.parse().ok()?, unit))
}

/// Parses digits and nothing else; the standard library would take a `+` as well.
pub(super) fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A decimal number times a whole factor, rounded to a whole number: with integers, since a float
/// would lose the nanoseconds of a long duration. What is too large for 64 bits stays too large.
pub(super) fn scale(number: &str, factor: u64) -> u128 {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Digits behind these are worth less than one of anything.
    let fraction = fraction.get(..15).unwrap_or(fraction);
    let power = fraction.bytes().fold(1_u128, |power, _| power * 10);
    let part = u128::from(digits::<u64>(fraction).unwrap_or(0)) * u128::from(factor);
    match digits::<u64>(whole) {
        Some(whole) => u128::from(whole) * u128::from(factor) + (part + power / 2) / power,
        None => u128::MAX,
    }
}
