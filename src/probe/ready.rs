//! Waiting until a service is ready.

use std::time::Duration;

use tokio::time::Instant;

use super::{Prober, Surroundings};
use crate::sample::SampleOutcome;
use crate::spec::{ProbeKind, Ready};

/// The time from one look to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until the check passes, at once and then every 50 ms, or as often as looks end. Fails
/// with what was wrong last when `within` is over. Dropping the future ends it.
pub async fn wait_ready(ready: &Ready, surroundings: &Surroundings) -> Result<(), String> {
    let kinds = [
        ready.http.clone().map(ProbeKind::Http),
        ready.tcp.clone().map(ProbeKind::Tcp),
        ready.command.clone().map(ProbeKind::Command),
    ];
    let Some(kind) = kinds.into_iter().flatten().next() else {
        return Err("the ready check needs one of http, tcp, command".to_owned());
    };
    let prober = Prober::new("ready", &kind, surroundings);
    let deadline = Instant::now() + ready.within.get();
    let mut looks = tokio::time::interval(PAUSE);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = "it was not looked at".to_owned();
    loop {
        if tokio::time::timeout_at(deadline, looks.tick()).await.is_err() {
            return Err(format!("not ready within {}: {last}", ready.within));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let reading = prober.measure_within(prober.timeout().min(left)).await;
        if reading.outcome == SampleOutcome::Ok {
            return Ok(());
        }
        last = reading.detail.unwrap_or(last);
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn ready(yaml: &str) -> Ready {
        super::super::fixture::parse(yaml)
    }

    #[tokio::test]
    async fn waits_for_a_listener_that_comes_late() {
        let first = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = first.local_addr().expect("bound");
        drop(first);
        let check = ready(&format!("{{ tcp: {{ address: '{address}' }} }}"));
        let surroundings = Surroundings::default();
        let (ready, _listener) = tokio::join!(wait_ready(&check, &surroundings), async {
            tokio::time::sleep(Duration::from_millis(70)).await;
            TcpListener::bind(address).await.expect("the same port")
        });
        assert_eq!(ready, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn says_what_was_wrong_last() {
        let check = ready("{ command: { run: [] }, within: 2s }");
        let begun = Instant::now();
        let error = wait_ready(&check, &Surroundings::default()).await.expect_err("never ready");
        insta::assert_snapshot!(error, @"not ready within 2s: there is no command to run");
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_check_that_is_none_is_an_error() {
        assert!(wait_ready(&ready("{}"), &Surroundings::default()).await.is_err());
    }
}
