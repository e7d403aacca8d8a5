//! What must stay reachable while this host's own network is disturbed: the ways by which this tool,
//! its operator and the machine's keepers are reached.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use procfs::net::RouteEntry;
use serde::{Deserialize, Serialize};

use super::protection::lineage;
use super::socket;

/// A peer that must stay reachable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lifeline {
    /// What it is for.
    pub purpose: Purpose,
    /// Who it is.
    pub peer: Peer,
    /// The peer's port; `None` for all.
    pub remote_port: Option<u16>,
    /// The port at this end; `None` for all.
    pub local_port: Option<u16>,
}

/// The other end of a lifeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// An address.
    Address(IpAddr),
    /// A host name.
    Host(String),
}

/// What a lifeline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A connection of this process or of one that started it, such as an SSH session.
    Session,
    /// The container daemon.
    ContainerDaemon,
    /// The API server of a cluster.
    ApiServer,
    /// A gateway of a default route.
    Gateway,
    /// Where a cloud keeps what a machine must know of itself.
    Metadata,
    /// What a probe asks.
    Probe,
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Session => "session",
            Self::ContainerDaemon => "container daemon",
            Self::ApiServer => "cluster API server",
            Self::Gateway => "gateway",
            Self::Metadata => "metadata",
            Self::Probe => "probe",
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
            Self::Address(address) => address.fmt(formatter),
            Self::Host(name) => formatter.write_str(&super::printable(name)),
        }
    }
}

impl Lifeline {
    /// A lifeline to every port of an address.
    #[must_use]
    pub const fn to(purpose: Purpose, address: IpAddr) -> Self {
        Self { purpose, peer: Peer::Address(address), remote_port: None, local_port: None }
    }

    /// A lifeline to a server, given as `tcp://HOST:PORT`, `HOST:PORT` or a URL.
    #[must_use]
    pub fn server(purpose: Purpose, location: &str, port: Option<u16>) -> Option<Self> {
        let uri: hyper::Uri = location.parse().ok()?;
        let host = uri.host()?.trim_matches(['[', ']']);
        let peer = host.parse().map_or_else(|_| Peer::Host(host.to_owned()), Peer::Address);
        let usual = match uri.scheme_str() {
            Some("https") => Some(443),
            Some("http") => Some(80),
            _ => port,
        };
        let remote_port = Some(uri.port_u16().or(usual)?);
        Some(Self { purpose, peer, remote_port, local_port: None })
    }
}

/// Reads the lifelines of this host, each once. What cannot be read is none.
pub(super) fn read() -> Vec<Lifeline> {
    let ancestors = lineage();
    let mut lifelines = sessions(&ancestors);
    lifelines.extend(gateways());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(docker) = variable("DOCKER_HOST").filter(|host| !host.starts_with("unix:")) {
        lifelines.extend(Lifeline::server(Purpose::ContainerDaemon, &docker, Some(2375)));
    }
    if let Some(host) = variable("KUBERNETES_SERVICE_HOST") {
        let port = variable("KUBERNETES_SERVICE_PORT").and_then(|port| port.parse().ok());
        let peer = host.parse().map_or_else(|_| Peer::Host(host.clone()), Peer::Address);
        let remote_port = Some(port.unwrap_or(443));
        let purpose = Purpose::ApiServer;
        lifelines.push(Lifeline { purpose, peer, remote_port, local_port: None });
    }
    let files = kubeconfigs(variable("KUBECONFIG"), variable("HOME"));
    let texts = files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok());
    lifelines.extend(texts.flat_map(|text| api_servers(&text)));
    lifelines.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The SSH sessions and every other connection of these processes: a connection of this process is
/// told by its sockets, a session also by `SSH_CONNECTION` (ssh(1)), whoever holds its socket.
fn sessions(processes: &[i32]) -> Vec<Lifeline> {
    let me = std::process::id().cast_signed();
    let sockets = socket::of_namespace(me);
    let inodes: Vec<u64> = processes.iter().flat_map(|pid| socket::inodes(*pid)).collect();
    let held = sockets.iter().filter(|it| it.remote.port() != 0 && inodes.contains(&it.inode));
    let by_socket = held.map(|it| session(it.local, it.remote));
    let environments = processes.iter().filter_map(|pid| {
        let bytes = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let values = bytes.split(|byte| *byte == 0);
        let mut values = values.filter_map(|value| value.strip_prefix(b"SSH_CONNECTION="));
        ssh_connection(std::str::from_utf8(values.next()?).ok()?)
    });
    by_socket.chain(environments).collect()
}

fn session(local: SocketAddr, remote: SocketAddr) -> Lifeline {
    Lifeline {
        purpose: Purpose::Session,
        peer: Peer::Address(remote.ip().to_canonical()),
        remote_port: Some(remote.port()),
        local_port: Some(local.port()),
    }
}

/// `SSH_CONNECTION`: the client's address and port, the server's address and port.
fn ssh_connection(text: &str) -> Option<Lifeline> {
    let mut words = text.split(' ');
    let mut end =
        || Some(SocketAddr::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?));
    let (client, server) = (end()?, end()?);
    Some(session(server, client))
}

/// The gateways of default routes, by `/proc/net/route` and `/proc/net/ipv6_route` (proc(5)).
fn gateways() -> Vec<Lifeline> {
    let is_default =
        |route: &RouteEntry| route.destination.is_unspecified() && route.mask.is_unspecified();
    let four = procfs::net::route().unwrap_or_default().into_iter().filter(is_default);
    let four = four.map(|route| IpAddr::V4(route.gateway));
    let six = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let six = six.lines().filter_map(ipv6_gateway).map(IpAddr::V6).collect::<Vec<_>>();
    let real = |address: &IpAddr| !address.is_unspecified();
    four.chain(six).filter(real).map(|it| Lifeline::to(Purpose::Gateway, it)).collect()
}

/// The next hop of a line whose destination is everything.
fn ipv6_gateway(line: &str) -> Option<Ipv6Addr> {
    let mut fields = line.split_ascii_whitespace();
    let (destination, length) = (fields.next()?, fields.next()?);
    let is_default = length == "00" && destination.bytes().all(|byte| byte == b'0');
    let hop = u128::from_str_radix(fields.nth(2)?, 16).ok()?;
    is_default.then(|| Ipv6Addr::from(hop))
}

/// Where `kubectl` and the kubelet look for their API server.
fn kubeconfigs(named: Option<String>, home: Option<String>) -> Vec<PathBuf> {
    let own = home.map(|home| PathBuf::from(home).join(".kube/config"));
    let named = named.map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    let mut files = named.unwrap_or_else(|| own.into_iter().collect());
    files
        .extend(["/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/kubeconfig"].map(PathBuf::from));
    files
}

/// The servers of all clusters of a kubeconfig.
fn api_servers(kubeconfig: &str) -> Vec<Lifeline> {
    let value: serde_yaml::Value = serde_yaml::from_str(kubeconfig).unwrap_or_default();
    let clusters = value.get("clusters").and_then(serde_yaml::Value::as_sequence);
    let servers = clusters.into_iter().flatten().filter_map(|entry| {
        let server = entry.get("cluster")?.get("server")?.as_str()?;
        Lifeline::server(Purpose::ApiServer, server, Some(443))
    });
    servers.collect()
}

/// The metadata addresses of clouds: the link-local one that all share, and that of AWS in IPv6.
#[must_use]
pub const fn metadata() -> [Lifeline; 2] {
    const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
    const SIX: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254));
    [Lifeline::to(Purpose::Metadata, FOUR), Lifeline::to(Purpose::Metadata, SIX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lifelines: impl IntoIterator<Item = Lifeline>) -> Vec<String> {
        let port = |port: Option<u16>| port.map_or("*".to_owned(), |port| port.to_string());
        let line = |it: Lifeline| {
            let (local, remote) = (port(it.local_port), port(it.remote_port));
            format!("{} {local} {}:{remote}", it.purpose, it.peer)
        };
        lifelines.into_iter().map(line).collect()
    }

    #[test]
    fn an_ssh_session_is_told_by_its_variable() {
        let four = ssh_connection("203.0.113.9 52100 198.51.100.7 22");
        assert_eq!(shown(four), ["session 22 203.0.113.9:52100"]);
        let six = ssh_connection("2001:db8::9 52100 2001:db8::7 22");
        assert_eq!(shown(six), ["session 22 [2001:db8::9]:52100"]);
        assert_eq!(ssh_connection("203.0.113.9 52100"), None);
    }

    #[test]
    fn a_session_is_told_by_a_socket_of_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let found = sessions(&[std::process::id().cast_signed()]);
        let expected = session(client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert!(found.contains(&expected), "{found:?}");
    }

    #[test]
    fn servers_are_read_from_addresses_and_urls() {
        let server = |text| Lifeline::server(Purpose::ApiServer, text, None);
        let read = |text| shown(server(text)).pop().unwrap_or_default();
        assert_eq!(read("tcp://10.0.0.5:2376"), "cluster API server * 10.0.0.5:2376");
        assert_eq!(read("https://k8s.example/path"), "cluster API server * k8s.example:443");
        assert_eq!(read("http://[fd00::7]:8080"), "cluster API server * [fd00::7]:8080");
        assert_eq!(read("db.example:5432"), "cluster API server * db.example:5432");
        assert_eq!(server("tcp://10.0.0.5"), None);
    }

    #[test]
    fn the_api_servers_of_a_kubeconfig_are_found() {
        let text =
            "clusters:\n- name: a\n  cluster: { server: 'https://10.1.2.3:6443' }\n- name: b\n";
        assert_eq!(shown(api_servers(text)), ["cluster API server * 10.1.2.3:6443"]);
        assert_eq!(api_servers("nonsense: ["), []);
    }

    #[test]
    fn a_default_route_of_ipv6_names_its_gateway() {
        let zero = "0".repeat(32);
        let line =
            format!("{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 1 0 3 eth0");
        assert_eq!(ipv6_gateway(&line), Some("fe80::1".parse().unwrap()));
        let other = line.replacen(" 00 ", " 40 ", 1);
        assert_eq!(ipv6_gateway(&other), None);
    }
}
