//! Packets between two namespaces, one of which has its packets queued.

mod accuracy;
mod bystander;
mod impairments;
mod odd;
mod stream;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::super::Namespace;
use super::super::testbed::{Pair, ping, privileged, wait_until};
use super::{Diversion, Figures, supported};
use crate::act::{Flow, Hook, Impairment, Traffic};

/// Whether the test can run here; says why when not.
fn possible() -> bool {
    if !privileged() {
        return false;
    }
    match supported().unwrap() {
        super::super::Support::Supported => true,
        super::super::Support::Missing { reason } => {
            println!("skipped: no packet queues here: {reason}");
            false
        }
    }
}

/// Two namespaces that know each other's hardware addresses: packets that wait for that are late.
fn pair() -> Pair {
    let pair = Pair::new();
    for address in ["10.9.0.2", "10.9.0.3", "fd09::2"] {
        assert!(wait_until(|| ping(&pair.near, address)).is_some(), "{address} answers");
    }
    pair
}

/// An impairment in place, which renews its lease by itself.
struct Queued<'a> {
    namespace: &'a Namespace,
    diversion: Arc<Mutex<Option<Diversion>>>,
}

impl<'a> Queued<'a> {
    fn put(namespace: &'a Namespace, hooks: &[Hook], impairment: serde_json::Value) -> Self {
        Self::put_on(namespace, hooks, Flow::default(), impairment)
    }

    fn put_on(
        namespace: &'a Namespace,
        hooks: &[Hook],
        flow: Flow,
        impairment: serde_json::Value,
    ) -> Self {
        let impairment: Impairment = serde_json::from_value(impairment).unwrap();
        let traffic =
            Traffic { hooks: hooks.to_vec(), flow, except: Vec::new(), interfaces: Vec::new() };
        let diversion =
            Diversion::start(namespace, "shakedown_test", &traffic, &impairment).unwrap();
        let diversion = Arc::new(Mutex::new(Some(diversion)));
        let renewed = Arc::downgrade(&diversion);
        thread::spawn(move || {
            while let Some(diversion) = renewed.upgrade() {
                let diversion = diversion.lock().unwrap();
                diversion.iter().for_each(|diversion| diversion.renew().unwrap());
                drop(diversion);
                thread::sleep(Duration::from_millis(500));
            }
        });
        Self { namespace, diversion }
    }

    fn remove(self) -> Figures {
        let diversion = self.diversion.lock().unwrap().take().unwrap();
        diversion.remove(self.namespace).unwrap().1
    }
}

fn delay(mean: &str) -> serde_json::Value {
    json!({"delay": {"mean": mean, "jitter": "0ms", "correlation": "0%",
        "distribution": "uniform", "reorder": false}})
}
