//! `network-latency`: packets wait on their way out.

use crate::act::{Act, Shape, SiteRef};
use crate::spec::NetworkLatency;

pub(super) const NAME: &str = "network-latency";

pub(super) fn lower(latency: &NetworkLatency, site: &SiteRef) -> Vec<Act> {
    vec![Act::Shape(Shape {
        site: site.clone(),
        delay: latency.delay,
        jitter: latency.jitter,
        correlation: latency.correlation,
        distribution: latency.distribution,
    })]
}

pub(super) fn undo_in_words() -> String {
    "our queueing discipline deleted, the kernel's default is back".to_owned()
}
