//! How a target resolves names: resolv.conf(5).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use rustix::net::netdevice::name_to_index;

/// As many name servers as glibc uses (`MAXNS`).
const MOST_SERVERS: usize = 3;
/// glibc's limits (`RES_MAXNDOTS`, `RES_MAXRETRANS`, `RES_MAXRETRY`), the latter two lower here:
/// whoever waits for us may have little time.
const MOST_DOTS: usize = 15;
const LONGEST_TIMEOUT: u64 = 2;
const MOST_ATTEMPTS: u32 = 3;

/// Name servers, and how they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    /// Asked one after the other.
    pub(super) servers: Vec<SocketAddr>,
    /// Domains that a short name is looked for in.
    pub(super) search: Vec<String>,
    /// A name with at least so many dots is tried as it is first.
    pub(super) dots: usize,
    /// How long a server may take.
    pub(super) timeout: Duration,
    /// How often all servers are asked.
    pub(super) attempts: u32,
    /// Whether they are asked by TCP only.
    pub(super) tcp_only: bool,
}

impl Configuration {
    /// Reads `/etc/resolv.conf`; without it, or without a server in it, one is on this machine.
    pub(super) fn read(text: &str) -> Self {
        let mut configuration = Self {
            servers: Vec::new(),
            search: Vec::new(),
            dots: 1,
            timeout: Duration::from_secs(LONGEST_TIMEOUT),
            attempts: 2,
            tcp_only: false,
        };
        for line in text.lines() {
            configuration.line(line);
        }
        if configuration.servers.is_empty() {
            configuration.servers.push((Ipv4Addr::LOCALHOST, 53).into());
        }
        configuration
    }

    fn line(&mut self, line: &str) {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") => {
                let server = words.next().and_then(server);
                self.servers.extend(server.filter(|_| self.servers.len() < MOST_SERVERS));
            }
            // The last of the two that is given counts.
            Some("search") => self.search = words.map(bare).collect(),
            Some("domain") => self.search = words.take(1).map(bare).collect(),
            Some("options") => words.for_each(|word| self.option(word)),
            _ => {}
        }
    }

    fn option(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let number = value.parse::<u32>().ok();
        match (name, number) {
            ("ndots", Some(dots)) => self.dots = (dots as usize).min(MOST_DOTS),
            ("timeout", Some(seconds)) => {
                self.timeout = Duration::from_secs(u64::from(seconds).clamp(1, LONGEST_TIMEOUT));
            }
            ("attempts", Some(attempts)) => self.attempts = attempts.clamp(1, MOST_ATTEMPTS),
            ("use-vc", _) => self.tcp_only = true,
            _ => {}
        }
    }

    /// What a name may stand for, in the order it is tried.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|domain| match domain.as_str() {
            "" => name.to_owned(),
            domain => format!("{name}.{domain}"),
        });
        let itself = std::iter::once(name.to_owned());
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        if dots >= self.dots {
            itself.chain(searched).collect()
        } else {
            searched.chain(itself).collect()
        }
    }
}

/// A server with its zone, such as `fe80::1%eth0`; the interface is looked up in the namespace of
/// the calling thread.
fn server(text: &str) -> Option<SocketAddr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(a, z)| (a, Some(z)));
    match (address.parse().ok()?, zone) {
        (IpAddr::V6(address), Some(zone)) => {
            let index = zone.parse().ok().or_else(|| index_of(zone))?;
            Some(SocketAddrV6::new(address, 53, 0, index).into())
        }
        (address, _) => Some(SocketAddr::new(address, 53)),
    }
}

fn index_of(interface: &str) -> Option<u32> {
    name_to_index(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?, interface).ok()
}

fn bare(domain: &str) -> String {
    domain.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_glibc_reads_it() {
        let text = "\
            # made by hand\n\
            nameserver 10.0.0.2 # the first\n\
            nameserver nonsense\n\
            nameserver fd00::53\n\
            domain old.example\n\
            search svc.local. cluster.local\n\
            options ndots:5 timeout:1 attempts:9 edns0\n\
            nameserver 10.0.0.3\n\
            nameserver 10.0.0.4\n";
        let read = Configuration::read(text);
        assert_eq!(read.servers.len(), 3);
        assert_eq!(read.servers[1].to_string(), "[fd00::53]:53");
        assert_eq!(read.search, ["svc.local", "cluster.local"]);
        assert_eq!((read.dots, read.timeout.as_secs(), read.attempts), (5, 1, MOST_ATTEMPTS));
    }

    #[test]
    fn without_a_server_this_machine_is_asked() {
        assert_eq!(Configuration::read("").servers, [([127, 0, 0, 1], 53).into()]);
    }

    #[test]
    fn a_zone_is_an_interface() {
        let read = Configuration::read("nameserver fe80::1%lo\nnameserver fe80::1%none\n");
        assert_eq!(read.servers, [SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 1).into()]);
    }

    #[test]
    fn short_names_are_searched_for_first() {
        let read = Configuration::read("search a.b c\noptions ndots:2\n");
        assert_eq!(read.candidates("db"), ["db.a.b", "db.c", "db"]);
        assert_eq!(read.candidates("db.x.y"), ["db.x.y", "db.x.y.a.b", "db.x.y.c"]);
        assert_eq!(read.candidates("db."), ["db"]);
    }
}
