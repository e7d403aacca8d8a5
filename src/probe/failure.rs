//! Why there was no answer, and whose fault that is.

use std::error::Error;
use std::io;

use rustix::io::Errno;

use super::Reading;

/// Errors of this machine's own resources: the target was never asked.
const OURS: [Errno; 7] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOMEM,
    Errno::NOBUFS,
    Errno::ADDRNOTAVAIL,
    Errno::ADDRINUSE,
    Errno::AGAIN,
];

/// An answer that was begun and not finished.
pub(super) const CUT_OFF: &str = "the connection was closed before the answer was complete";

/// What a failed connection, or a failed exchange on one, says about the target.
pub(super) fn reading(error: &io::Error) -> Reading {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ADDRNOTAVAIL) => {
            Reading::probe_error("no local address or port is left to connect from")
        }
        Some(errno) if OURS.contains(&errno) => {
            Reading::probe_error(format!("this machine could not open a connection: {errno}"))
        }
        Some(errno) => Reading::unreachable(in_words(errno)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Reading::unreachable(CUT_OFF),
        None => Reading::unreachable(error.to_string()),
    }
}

/// The answer to a sample that took too long.
pub(super) fn timed_out(after: std::time::Duration) -> Reading {
    Reading::unreachable(format!(
        "timed out: no answer within {}",
        crate::spec::quantity::Duration::from(after)
    ))
}

fn in_words(errno: Errno) -> String {
    match errno {
        Errno::CONNREFUSED => "connection refused".to_owned(),
        Errno::CONNRESET => "connection reset".to_owned(),
        Errno::CONNABORTED | Errno::PIPE => "connection broken off".to_owned(),
        Errno::TIMEDOUT => "timed out: the connection got no answer".to_owned(),
        Errno::HOSTUNREACH => "no route to the host".to_owned(),
        Errno::NETUNREACH => "network unreachable".to_owned(),
        Errno::PERM | Errno::ACCESS => "connection forbidden by a firewall".to_owned(),
        _ => errno.to_string(),
    }
}

/// The first error of a kind in a chain of causes.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The last cause of a chain, which says the most.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        // An `io::Error` made of another error hides it from `source`.
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::SampleOutcome;

    #[test]
    fn running_out_of_our_own_resources_is_not_the_targets_fault() {
        for errno in OURS {
            let reading = reading(&io::Error::from_raw_os_error(errno.raw_os_error()));
            assert_eq!(reading.outcome, SampleOutcome::ProbeError, "{errno}");
        }
        let refused = io::Error::from_raw_os_error(Errno::CONNREFUSED.raw_os_error());
        assert_eq!(reading(&refused), Reading::unreachable("connection refused"));
    }
}
