//! What the tests share.

pub(crate) mod experiments;
mod finished;
mod memory_disk;
mod output;
pub(crate) mod ports;
mod sandbox;

pub(crate) use finished::Finished;
pub(crate) use output::Output;
pub(crate) use sandbox::Sandbox;

/// Says why a test does nothing on this machine, in the words that `tests/run.sh` counts; the
/// test returns after it.
pub(crate) fn skip(why: &str) {
    println!("skipped: {why}");
}

/// Whether this machine lacks what a test needs: root. Says so.
pub(crate) fn skip_unless_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip("needs root");
    }
    !root
}
