//! The registry of protocols.
pub mod gossip;
