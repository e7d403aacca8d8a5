//! A target's own list of names: hosts(5).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of a name in `/etc/hosts`; none if it is not there. `localhost` need not be
/// (RFC 6761, 6.3).
pub(super) fn addresses(text: &str, name: &str) -> BTreeSet<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut found: BTreeSet<IpAddr> =
        text.lines().filter_map(|line| address_of(line, name)).collect();
    if found.is_empty() && name.eq_ignore_ascii_case("localhost") {
        found.extend([IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)]);
    }
    found
}

fn address_of(line: &str, name: &str) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let address = words.next()?;
    words.any(|word| word.eq_ignore_ascii_case(name)).then(|| address.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_all_the_addresses_of_its_lines() {
        let text =
            "127.0.0.1 localhost\n10.0.0.7\tdb DB2 # 10.0.0.8 old\nfd00::7 db\nnonsense db\n";
        let found = |name: &str| -> Vec<String> {
            addresses(text, name).iter().map(IpAddr::to_string).collect()
        };
        assert_eq!(found("Db."), ["10.0.0.7", "fd00::7"]);
        assert_eq!(found("db2"), ["10.0.0.7"]);
        assert_eq!(found("old"), [""; 0]);
        assert_eq!(found("localhost"), ["127.0.0.1"]);
    }

    #[test]
    fn localhost_needs_no_line() {
        assert_eq!(addresses("", "localhost").len(), 2);
    }
}
