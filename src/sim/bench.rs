//! The simulator's parts that a bench of real processes shares: network, clients, deliverers, the ends of faults.

pub(crate) use super::client::Clients;
pub(crate) use super::deliverer::{Deliverers, Item};
pub(crate) use super::fault::{Edge, Side, edges};
pub(crate) use super::network::{Fate, Network, Override, Way};
