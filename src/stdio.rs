//! stdio
pub mod wire;
