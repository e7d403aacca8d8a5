//! The command line as a user meets it: help, results, mistakes, completion.

mod commands;
mod completion;
mod configuration;
mod exec;
mod help;
mod mistakes;
mod pipe;
