//! What is said about each kind of mistake, word for word.

mod addresses;
mod dns;
mod fields;
mod method;
mod modifiers;
mod partition;
mod probes;
mod proxies;
mod variables;
mod yaml;
