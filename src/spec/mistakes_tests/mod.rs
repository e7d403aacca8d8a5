//! What is said about each kind of mistake, word for word.

mod fields;
mod method;
mod probes;
mod variables;
mod yaml;
