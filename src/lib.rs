//! Chaos engineering from a terminal or a pipeline.
//!
//! An experiment is read, resolved to a plan, and the plan's acts are performed one by one by an
//! agent on the host they touch, each only after its undo is in the journal. Probes are sampled
//! throughout. Everything is undone. A verdict falls out, reports print it, and the exit code is
//! the verdict.
//!
//! The modules stand in reading order, the lowest layer first; arrows go down only.

pub mod error;
pub mod failpoint;
pub mod outcome;

// What is written, whom it means, what crosses the wire. No effects.
pub mod act;
pub mod spec;
pub mod target;

// What is measured and how it is judged. No effects.
pub mod sample;
pub mod verdict;

pub mod event;

// From faults to acts, from an experiment to a plan. No effects.
pub mod fault;
pub mod plan;

// The host: effects, and the one process that has them.
pub mod sys;

pub mod agent;

pub mod link;

// A run: probes, the straight path, and what is told of it.
pub mod clock;
pub mod probe;

pub mod run;

pub mod report;

// What people call.
pub mod demo;
pub mod doctor;

pub mod cli;
