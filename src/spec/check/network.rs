//! Rules for the parameters of network faults.

use super::Check;
use crate::spec::path::Path;
use crate::spec::quantity::Percent;
use crate::spec::{
    ConnectionReset, Fault, NetworkLatency, NetworkLoss, NetworkRate, NetworkReordering,
    NewConnections, Peers, Protocol,
};

impl Check<'_> {
    /// The parameters of a network fault; the path is the field `fault`.
    pub(super) fn network(&mut self, path: &Path, fault: &Fault) {
        match fault {
            Fault::NetworkPartition(it) => {
                let path = path.key("network-partition");
                self.traffic(&path, &it.peers, &it.except);
                self.partition(&path, it);
            }
            Fault::NetworkLatency(it) => {
                let path = path.key("network-latency");
                self.traffic(&path, &it.peers, &it.except);
                self.latency(&path, it);
            }
            Fault::NetworkLoss(it) => {
                let path = path.key("network-loss");
                self.traffic(&path, &it.peers, &it.except);
                self.loss(&path, it);
            }
            Fault::NetworkDuplication(it) => {
                let path = path.key("network-duplication");
                self.traffic(&path, &it.peers, &it.except);
                self.above_zero_percent(&path, it.percent);
            }
            Fault::NetworkCorruption(it) => {
                let path = path.key("network-corruption");
                self.traffic(&path, &it.peers, &it.except);
                self.above_zero_percent(&path, it.percent);
            }
            Fault::NetworkReordering(it) => {
                let path = path.key("network-reordering");
                self.traffic(&path, &it.peers, &it.except);
                self.reordering(&path, it);
            }
            Fault::NetworkRate(it) => {
                let path = path.key("network-rate");
                self.traffic(&path, &it.peers, &it.except);
                self.rate(&path, it);
            }
            Fault::ConnectionReset(it) => {
                let path = path.key("connection-reset");
                self.traffic(&path, &it.peers, &it.except);
                self.connection_reset(&path, it);
            }
            Fault::DnsFailure(it) => self.dns_failure(&path.key("dns-failure"), it),
            Fault::HttpFault(it) => self.http_fault(&path.key("http-fault"), it),
            Fault::TcpProxy(it) => self.tcp_proxy(&path.key("tcp-proxy"), it),
            _ => {}
        }
    }

    pub(super) fn traffic(&mut self, path: &Path, peers: &Peers, except: &[Peers]) {
        self.peers(&path.key("peers"), peers);
        for (index, peers) in except.iter().enumerate() {
            let place = path.key("except").item(index);
            if *peers == Peers::default() {
                self.wrong(place.clone(), "an exception without a field would except everything");
            }
            self.peers(&place, peers);
        }
    }

    fn peers(&mut self, path: &Path, peers: &Peers) {
        for (index, name) in peers.services.iter().enumerate() {
            self.service_has_network(path.key("services").item(index), name);
        }
        self.host_names(&path.key("hosts"), &peers.hosts);
        let ports = [&peers.ports, &peers.local_ports, &peers.remote_ports];
        let portless = !peers.protocols.is_empty()
            && peers.protocols.iter().all(|protocol| *protocol == Protocol::Icmp);
        if portless && ports.iter().any(|list| !list.is_empty()) {
            self.wrong(path.key("protocols"), "icmp has no ports, so that nothing would match");
        }
    }

    fn latency(&mut self, path: &Path, latency: &NetworkLatency) {
        self.above_zero(path.key("delay"), latency.delay);
        if latency.jitter > latency.delay {
            let message = format!(
                "the jitter, {}, is larger than the delay, {}",
                latency.jitter, latency.delay
            );
            self.wrong_but(path.key("jitter"), message, "no packet can arrive before it was sent");
        }
    }

    fn loss(&mut self, path: &Path, loss: &NetworkLoss) {
        let fields = [
            ("percent", loss.percent.is_some()),
            ("every", loss.every.is_some()),
            ("gilbert-elliott", loss.gilbert_elliott.is_some()),
            ("markov", loss.markov.is_some()),
        ];
        self.exactly_one(path, &fields);
        if let Some(percent) = loss.percent {
            self.above_zero_percent(path, percent);
        }
        if loss.every == Some(0) {
            self.wrong(path.key("every"), "every 0th packet is no packet; the smallest is 1");
        }
        if loss.correlation.get() > 0.0 && loss.percent.is_none() {
            self.wrong(path.key("correlation"), "`correlation` belongs to `percent`");
        }
    }

    fn reordering(&mut self, path: &Path, reordering: &NetworkReordering) {
        self.above_zero_percent(path, reordering.percent);
        self.above_zero(path.key("delay"), reordering.delay);
        if reordering.gap == Some(0) {
            self.wrong(path.key("gap"), "the smallest gap is 1");
        }
        if reordering.percent == Percent::HUNDRED && reordering.gap.is_none_or(|gap| gap <= 1) {
            let message = "where every packet is sent at once, none overtakes another";
            self.wrong_but(path.key("percent"), message, "give a smaller share, or a `gap`");
        }
    }

    fn rate(&mut self, path: &Path, rate: &NetworkRate) {
        self.above_zero(path.key("queue"), rate.queue);
        if rate.burst.is_some_and(|burst| burst.bytes() == 0) {
            self.wrong(path.key("burst"), "a burst of 0 bytes lets nothing pass");
        }
    }

    fn connection_reset(&mut self, path: &Path, reset: &ConnectionReset) {
        if let Some(every) = reset.every {
            self.above_zero(path.key("every"), every);
            if reset.new == NewConnections::Refuse {
                let message = "with `new: refuse` there is nothing to cut a second time";
                self.wrong_but(path.key("every"), message, "leave one of the two out");
            }
        }
        let all = [("peers", std::slice::from_ref(&reset.peers)), ("except", &reset.except)];
        for (field, peers) in all {
            let other = |peers: &Peers| peers.protocols.iter().any(|it| *it != Protocol::Tcp);
            if peers.iter().any(other) {
                let message = "only TCP has connections that can be reset";
                self.wrong_but(path.key(field), message, "leave `protocols` out");
            }
        }
        if !reset.interfaces.is_empty() && reset.new == NewConnections::Allow {
            let help = "leave `interfaces` out, or write `new: refuse`";
            let message = "what is open is cut on all interfaces";
            self.wrong_but(path.key("interfaces"), message, help);
        }
    }

    pub(super) fn above_zero_percent(&mut self, path: &Path, percent: Percent) {
        if percent.get() <= 0.0 {
            self.wrong(path.key("percent"), "0% is no fault");
        }
    }
}
