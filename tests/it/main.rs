//! The tests that look at the whole from outside; each module is a chapter.

mod convergence;
mod determinism;
mod liars;
mod network;
mod own_node;
mod readme;
mod scenarios;
mod support;
mod tidy;
