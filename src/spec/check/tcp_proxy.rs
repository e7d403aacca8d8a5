//! Rules for the parameters of `tcp-proxy`, and those it shares with `http-fault`.

use super::Check;
use crate::spec::path::Path;
use crate::spec::quantity::{Percent, PortRange};
use crate::spec::{LateData, Peers, Slicer, TcpProxy};

impl Check<'_> {
    pub(super) fn tcp_proxy(&mut self, path: &Path, proxy: &TcpProxy) {
        self.proxied(path, &proxy.ports, (&proxy.peers, &proxy.except));
        let toxics = [
            ("latency", proxy.latency.map(|it| it.toxicity)),
            ("bandwidth", proxy.bandwidth.map(|it| it.toxicity)),
            ("slicer", proxy.slicer.map(|it| it.toxicity)),
            ("slow-close", proxy.slow_close.map(|it| it.toxicity)),
            ("limit-data", proxy.limit_data.map(|it| it.toxicity)),
            ("timeout", proxy.timeout.map(|it| it.toxicity)),
            ("reset-peer", proxy.reset_peer.map(|it| it.toxicity)),
        ];
        if toxics.iter().all(|(_, toxicity)| toxicity.is_none()) {
            let names = toxics.map(|(name, _)| format!("`{name}`")).join(", ");
            self.wrong(path.clone(), format!("at least one of {names} is needed"));
        }
        for (name, toxicity) in toxics {
            self.toxicity(&path.key(name), toxicity);
        }
        if let Some(latency) = proxy.latency {
            self.late_data(&path.key("latency"), latency);
        }
        if let Some(slicer) = proxy.slicer {
            self.slicer(&path.key("slicer"), slicer);
        }
        if let Some(slow) = proxy.slow_close {
            self.above_zero(path.key("slow-close").key("delay"), slow.delay);
        }
    }

    /// The fields that say which connections go through a proxy.
    pub(super) fn proxied(
        &mut self,
        path: &Path,
        ports: &[PortRange],
        (peers, except): (&Peers, &[Peers]),
    ) {
        self.traffic(path, peers, except);
        if ports.is_empty() {
            self.wrong(path.key("ports"), "a proxy needs a port at least");
        }
        let path = path.key("peers");
        for (name, given) in [
            ("ports", !peers.ports.is_empty()),
            ("local-ports", !peers.local_ports.is_empty()),
            ("remote-ports", !peers.remote_ports.is_empty()),
            ("protocols", !peers.protocols.is_empty()),
        ] {
            if given {
                let help = "say which with `ports`, beside `peers`; the protocol is TCP";
                let message = format!("`{name}` has no place in the peers of a proxy");
                self.wrong_but(path.key(name), message, help);
            }
        }
    }

    fn toxicity(&mut self, path: &Path, toxicity: Option<Percent>) {
        if toxicity.is_some_and(|toxicity| toxicity.get() <= 0.0) {
            self.wrong(path.key("toxicity"), "0% is no fault");
        }
    }

    fn late_data(&mut self, path: &Path, latency: LateData) {
        self.above_zero(path.key("delay"), latency.delay);
        if latency.jitter > latency.delay {
            let message = format!(
                "the jitter, {}, is larger than the delay, {}",
                latency.jitter, latency.delay
            );
            self.wrong_but(path.key("jitter"), message, "no data can arrive before it was sent");
        }
    }

    fn slicer(&mut self, path: &Path, slicer: Slicer) {
        if slicer.average_size.bytes() == 0 {
            self.wrong(path.key("average-size"), "a piece of 0 bytes is none");
        } else if slicer.size_variation >= slicer.average_size {
            let message = format!(
                "the variation, {}, is not smaller than the average, {}",
                slicer.size_variation, slicer.average_size
            );
            self.wrong_but(path.key("size-variation"), message, "a piece has a byte at least");
        }
    }
}
