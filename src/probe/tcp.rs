//! Connections opened and closed at once.

use tokio::net::{TcpStream, lookup_host};

use super::{Reading, failure};

/// Opens a connection to `host:port`, and closes it.
#[derive(Debug)]
pub(super) struct TcpCheck {
    address: String,
}

impl TcpCheck {
    /// Fails if the address has no host or no port.
    pub(super) fn new(address: String) -> Result<Self, String> {
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(format!("`{address}` is no address; write `host:port`"));
        }
        Ok(Self { address })
    }

    /// Tries every address of the name, as clients do.
    pub(super) async fn measure(&self) -> Reading {
        let addresses = match lookup_host(&self.address).await {
            Ok(addresses) => addresses,
            Err(error) => return Reading::unreachable(format!("DNS: {error}")),
        };
        let mut last = Reading::unreachable("DNS: the name has no address");
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Closed by a reset, as load balancers check: no TIME_WAIT uses up local ports
                    // at high rates. A failure to set it costs only that.
                    let _ = stream.set_zero_linger();
                    return Reading::ok();
                }
                Err(error) => last = failure::reading(&error),
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn measure(address: &str) -> Reading {
        TcpCheck::new(address.to_owned()).expect("an address").measure().await
    }

    #[tokio::test]
    async fn a_listener_is_ok_and_a_closed_port_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("bound").to_string();
        assert_eq!(measure(&address).await, Reading::ok());
        drop(listener);
        assert_eq!(measure(&address).await, Reading::unreachable("connection refused"));
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_unreachable() {
        // RFC 6761: `.invalid` never resolves.
        let reading = measure("nowhere.invalid:80").await;
        assert_eq!(reading.outcome, crate::sample::SampleOutcome::Unreachable);
        assert!(reading.detail.expect("a cause").starts_with("DNS: "));
    }

    #[test]
    fn an_address_needs_a_host_and_a_port() {
        for address in ["localhost", ":80", "localhost:http", "localhost:99999", ""] {
            assert!(TcpCheck::new(address.to_owned()).is_err(), "{address}");
        }
        assert!(TcpCheck::new("[::1]:80".to_owned()).is_ok());
    }
}
