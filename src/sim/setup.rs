//! What decides a run: the same setup gives the same trace. It is data only, with everything drawn.

use crate::id::Members;
use crate::node::Node;
use crate::rng::Reseed;
use crate::sim::WhenBusy;
use crate::sim::fault::Fault;
use crate::sim::network::{NetworkConfig, Profile};
use crate::time::{Span, Time};
use crate::topology::Topology;
use crate::workload::Operation;

/// All that decides a run: the same setup gives the same trace.
#[derive(Debug)]
pub struct Setup<N: Node> {
    /// The number that all chance comes from.
    pub seed: u64,
    /// Another number that chance comes from later on, if any: the fates of messages and what nodes draw.
    pub reseed: Option<Reseed>,
    /// Who is in the cluster.
    pub members: Members,
    /// The protocol's knobs.
    pub config: N::Config,
    /// Who is told to be whose neighbour.
    pub topology: Topology,
    /// The network.
    pub network: NetworkConfig,
    /// When nodes take what is sent to them.
    pub profile: Profile,
    /// The faults, with everything drawn ([`Fault::drawn`]).
    pub faults: Vec<Fault>,
    /// What clients ask, and when.
    pub operations: Vec<Operation<N::Request>>,
    /// How many workers take turns.
    pub workers: u32,
    /// Who asks if the worker whose turn it is still waits.
    pub when_busy: WhenBusy,
    /// When all faults end.
    pub storm_end: Time,
    /// The run goes on at least until then.
    pub end: Time,
    /// How long a client waits for an answer.
    pub timeout: Span,
    /// The run is stopped after this many events.
    pub max_events: u64,
}

/// Not derived, as a node need not be `Clone` for its setup to be.
impl<N: Node> Clone for Setup<N> {
    fn clone(&self) -> Setup<N> {
        Setup {
            members: self.members.clone(),
            config: self.config.clone(),
            network: self.network.clone(),
            faults: self.faults.clone(),
            operations: self.operations.clone(),
            ..*self
        }
    }
}

impl<N: Node> Setup<N> {
    /// A calm cluster: no faults, no operations, no latency, a client timeout of 5 s.
    pub fn new(seed: u64, nodes: u32, config: N::Config) -> Setup<N> {
        Setup {
            seed,
            reseed: None,
            members: Members::all(nodes),
            config,
            topology: Topology::Total,
            network: NetworkConfig::default(),
            profile: Profile::Ideal,
            faults: Vec::new(),
            operations: Vec::new(),
            workers: 0,
            when_busy: WhenBusy::StandIn,
            storm_end: Time::ZERO,
            end: Time::ZERO,
            timeout: Span::from_secs(5),
            max_events: u64::MAX,
        }
    }
}
