//! The one integration test binary. A test that needs what this machine has not prints
//! `skipped: why` through [`support::skip`]; `tests/run.sh` counts these lines.

// `cfg(test)` is always true here; it tells clippy that these are tests, which may unwrap and print.
#[cfg(test)]
mod adversary;
#[cfg(test)]
mod cli;
#[cfg(test)]
#[cfg(feature = "failpoints")]
mod crash;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod experiments;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod support;
