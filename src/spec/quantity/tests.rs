//! What every quantity promises: it reads what it prints, it never panics, it never guesses.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::{
    Cores, Duration, ExitCodes, IpNetwork, Number, Pattern, Percent, Pick, PortRange, Rate, Signal,
    Size, Statuses,
};

/// The value of a YAML scalar, read the way a file is.
fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Reads what it prints, as text and through JSON (as plans and reports keep it).
fn round_trips<T>(value: &T) -> Result<(), TestCaseError>
where
    T: FromStr<Err = String> + Display + Debug + PartialEq + serde::Serialize + DeserializeOwned,
{
    let printed = value.to_string();
    prop_assert_eq!(&printed.parse::<T>().map_err(TestCaseError::fail)?, value, "{}", printed);
    let json = serde_json::to_string(value).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{}", json);
    Ok(())
}

/// If the text is one, it round-trips; in any case it does not panic.
fn stands<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr<Err = String> + Display + Debug + PartialEq + serde::Serialize + DeserializeOwned,
{
    text.parse::<T>().map_or(Ok(()), |value| round_trips(&value))
}

proptest! {
    #[test]
    fn durations_round_trip(nanos in 0_u64..366 * 86_400 * 1_000_000_000) {
        round_trips(&Duration::from(std::time::Duration::from_nanos(nanos)))?;
    }

    #[test]
    fn sizes_round_trip(bytes in 0_u64..=1 << 53) {
        round_trips(&Size::from_bytes(bytes))?;
    }

    #[test]
    fn shares_rates_and_numbers_round_trip(whole in 0_u32..=100, part in 0_u32..10_000) {
        stands::<Percent>(&format!("{whole}.{part}%"))?;
        stands::<Rate>(&format!("{whole}.{part}/m"))?;
        stands::<Number>(&format!("-{whole}.{part}"))?;
        stands::<Pick>(&format!("{whole}.{part}%"))?;
    }

    #[test]
    fn networks_and_ports_round_trip(address: std::net::IpAddr, prefix in 0_u8..=32, first in 1_u16.., more in 0_u16..100) {
        round_trips(&IpNetwork { address, prefix })?;
        round_trips(&PortRange { first, last: first.saturating_add(more) })?;
    }

    #[test]
    fn sets_round_trip(codes in prop::collection::vec(any::<u8>(), 1..4), class in 1_u16..6, status in 100_u16..600) {
        let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
        stands::<ExitCodes>(&codes.join(","))?;
        stands::<Statuses>(&format!("{class}xx,{status},{status}-599"))?;
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[-+.0-9a-zA-Z%/:, _]{0,12}|\\PC{0,12}") {
        stands::<Duration>(&text)?;
        stands::<Size>(&text)?;
        stands::<Percent>(&text)?;
        stands::<Rate>(&text)?;
        stands::<Number>(&text)?;
        stands::<Pick>(&text)?;
        stands::<Cores>(&text)?;
        stands::<Signal>(&text)?;
        stands::<IpNetwork>(&text)?;
        stands::<PortRange>(&text)?;
        stands::<Statuses>(&text)?;
        stands::<ExitCodes>(&text)?;
        stands::<Pattern>(&text)?;
    }
}

#[test]
fn durations_are_what_they_say() {
    let nanos = |text: &str| text.parse::<Duration>().map(Duration::as_nanos);
    for (text, expected) in [
        ("0s", 0),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("0.1s", 100_000_000),
        ("1m30s", 90_000_000_000),
        ("1h", 3_600_000_000_000),
        ("366d", 31_622_400_000_000_000),
        ("365d23h59m59s999ms999us999ns", 31_622_399_999_999_999),
    ] {
        assert_eq!(nanos(text).unwrap(), expected, "{text}");
    }
}

/// Units and notations that other tools have mistaken for something.
#[test]
fn durations_are_never_guessed() {
    for text in [
        "",
        "5",
        "100",
        "100MS",
        "1e3ms",
        "0.1 s",
        " 1s",
        "1s ",
        "-1s",
        "+1s",
        ".5s",
        "5.s",
        "1..5s",
        "1s1s",
        "1s1m",
        "1ms1s",
        "1_000ms",
        "0x10s",
        "22:22",
        "1M",
        "1sec",
        "367d",
        "1w",
        "1y",
        "inf",
        "nan",
        "infs",
        "~",
        "null",
        "no",
        "٣s",
        "999999999999999999999999999999d",
        "1ｓ",
    ] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
    assert_eq!("100m".parse::<Duration>().unwrap(), Duration::from_secs(6000), "minutes, in full");
}

#[test]
fn other_quantities_are_never_guessed() {
    fn refused<T: FromStr<Err = String> + Debug>(texts: &[&str]) {
        for text in texts {
            assert!(text.parse::<T>().is_err(), "{text} as {:?}", text.parse::<T>());
        }
    }
    refused::<Size>(&[
        "", "5", "1K", "1k", "1KB", "1mb", "1Mi", "1M", "1 MB", "-1MB", "1e3B", "1_0B", "9000TiB",
        "1b",
    ]);
    refused::<Percent>(&[
        "", "5", "0.5", "101%", "-1%", "50 %", "%", "1e1%", "50%%", "NaN%", "1_0%",
    ]);
    refused::<Rate>(&[
        "",
        "5",
        "0/s",
        "0.5/h",
        "0.00000000000000001/s",
        "-5/s",
        "10001/s",
        "5/sec",
        "5 /s",
        "5/d",
        "1e3/s",
        "/s",
        "0.0/s",
    ]);
    refused::<Cores>(&["", "0", "-1", "4097", "1.5", "ALL", "1e1", "+1", "1_0"]);
    refused::<Pick>(&["", "0", "-1", "+1", "0%", "101%", "any", "1.5", "1e1", "ALL"]);
    refused::<PortRange>(&[
        "", "0", "65536", "80-79", "-80", "80-", "+80", "80:90", "1-2-3", "http", "1_0",
    ]);
    refused::<Statuses>(&[
        "", "99", "600", "6xx", "xx", "2XX", "+200", "300-200", "200-", "2xx-3xx", "0x1",
    ]);
    refused::<ExitCodes>(&["", "256", "-1", "+1", "1,", "0x1", "1.0"]);
    refused::<Signal>(&["", "9", "term", "SIGSIGTERM", "SIG", "FOO", "TERM ", "RTMIN"]);
    refused::<IpNetwork>(&[
        "",
        "10.0.0",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "010.0.0.1",
        "host",
        "1",
    ]);
    refused::<Number>(&[
        "", "-", "1e3", "1_000", "0x1", "inf", "nan", "1e999", "--1", "1 MiB", "-5MiB", "+1", "5.",
        "1.",
    ]);
    refused::<Pattern>(&["(", "[", "a{2,1}"]);
}

/// F16: what YAML makes of unquoted scalars.
#[test]
fn scalars_of_yaml_do_not_turn_into_quantities() {
    for scalar in [
        "no", "on", "~", "null", "true", "0o17", "0x1f", "1_000", "22:22", "1e3", ".nan", ".inf",
        "5", "[1s]", "{a: 1s}",
    ] {
        assert!(yaml::<Duration>(scalar).is_err(), "{scalar}");
        assert!(yaml::<Size>(scalar).is_err(), "{scalar}");
        assert!(yaml::<Percent>(scalar).is_err(), "{scalar}");
        assert!(yaml::<Rate>(scalar).is_err(), "{scalar}");
        assert!(yaml::<Signal>(scalar).is_err(), "{scalar}");
    }
    assert_eq!(yaml::<Statuses>("404").unwrap().to_string(), "404");
    assert_eq!(yaml::<Number>("2.5").unwrap().get().to_string(), "2.5");
    assert!(yaml::<Number>(".nan").is_err());
    assert!(yaml::<Pick>("1.5").is_err());
    assert!(yaml::<PortRange>("-80").is_err());
}
