//! Rules for the parameters of `dns-failure`.

use super::Check;
use crate::spec::path::Path;
use crate::spec::quantity::IpNetwork;
use crate::spec::{DnsFailure, DnsMode};

impl Check<'_> {
    /// The parameters of `dns-failure`; the path is theirs.
    pub(super) fn dns_failure(&mut self, path: &Path, failure: &DnsFailure) {
        self.dns_delay(path, failure);
        self.dns_addresses(path, failure);
        if failure.percent.get() <= 0.0 {
            self.wrong(path.key("percent"), "0% is no fault");
        }
    }

    /// The names of peers; the path is their list.
    pub(super) fn host_names(&mut self, path: &Path, names: &[String]) {
        let may = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() || name.len() > 254 || !name.chars().all(may) {
                let message = format!("`{name}` is no name of a host");
                let help =
                    "write the whole name, such as `db.example.com`: it is asked for as it is";
                self.wrong_but(path.item(index), message, help);
            }
        }
    }

    fn dns_delay(&mut self, path: &Path, failure: &DnsFailure) {
        match (failure.mode, failure.delay) {
            (DnsMode::Delay, None) => {
                self.wrong_but(path.key("mode"), "`delay` is missing", "add such as `delay: 2s`");
            }
            (DnsMode::Delay, Some(delay)) if delay > DnsFailure::LONGEST_DELAY => {
                let message = format!("{delay} is longer than {}", DnsFailure::LONGEST_DELAY);
                let help = "no client waits so long; use `mode: timeout`";
                self.wrong_but(path.key("delay"), message, help);
            }
            (DnsMode::Delay, Some(delay)) => self.above_zero(path.key("delay"), delay),
            (_, Some(_)) => self.wrong(path.key("delay"), "`delay` belongs to `mode: delay`"),
            (_, None) => {}
        }
    }

    fn dns_addresses(&mut self, path: &Path, failure: &DnsFailure) {
        if failure.mode != DnsMode::Wrong {
            if !failure.addresses.is_empty() {
                self.wrong(path.key("addresses"), "`addresses` belongs to `mode: wrong`");
            }
            return;
        }
        for (index, network) in failure.addresses.iter().enumerate() {
            if *network != IpNetwork::host(network.address) {
                let message = format!("`{network}` is a network; an answer is an address");
                self.wrong(path.key("addresses").item(index), message);
            }
        }
        if let Some(index) = failure.types.iter().position(|kind| !kind.is_address()) {
            let message = "a wrong answer is an address: `A` or `AAAA`";
            let help = "use another mode for other types, such as `mode: nxdomain`";
            self.wrong_but(path.key("types").item(index), message, help);
        }
    }
}
