//! A strategy for proptest: storms over your own node; what fails shrinks as `rumormill shrink` shrinks it.
//!
//! With the feature `proptest`. A storm's `Debug` is a scenario file, so that proptest's "minimal failing input" can be
//! saved and replayed. What the judge fails, too, is shrunk by the judge, for the same reason, at one go; what only your
//! property fails is shrunk by asking it, as far as proptest's `max_shrink_iters` allows (some hundreds are needed).
//!
//! ```
//! use proptest::prelude::*;
//! use rumormill::protocol::gossip::Gossip; // or a node of your own
//! use rumormill::strategy::storms;
//! use rumormill::workload::{Verdict, broadcast::Broadcast};
//!
//! const SCENARIO: &str = r#"{
//!     "name": "any-storm", "nodes": 5, "protocol": { "gossip": {} },
//!     "network": { "latency": { "exponential": { "mean": "20ms" } }, "loss": 0.1 },
//!     "workload": { "broadcast": { "rate": 10.0, "time_limit": "10s" } },
//!     "nemesis": { "kinds": ["partition", "crash", "pause"], "interval": "2s" }
//! }"#;
//!
//! proptest! {
//!     #![proptest_config(ProptestConfig::with_cases(20))]
//!     // #[test]
//!     fn every_storm_passes(storm in storms::<Broadcast, Gossip>(SCENARIO)) {
//!         let ran = storm.run::<Broadcast, Gossip>();
//!         prop_assert_eq!(ran.verdict, Verdict::Pass, "{:?}", ran.problems);
//!     }
//! }
//! every_storm_passes();
//! ```

use std::fmt;
use std::marker::PhantomData;

use proptest::prelude::RngExt as _;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::node::Node;
use crate::run::{Summary, explicit, run_written_out};
use crate::scenario::Scenario;
use crate::scenario::document::Document;
use crate::shrink::{Reason, Shrinker, shrink};
use crate::workload::Workload;

/// Draws storms from a scenario; see [`storms`].
pub struct Storms<W, N> {
    scenario: Scenario,
    document: Document,
    types: PhantomData<fn() -> (W, N)>,
}

/// The runs of a scenario file with all seeds: its load, nemesis and drawn partitions are drawn anew for each case.
///
/// # Panics
/// If the text is no scenario for these types; the message says where and why, as `rumormill check` does.
pub fn storms<W, N>(scenario: &str) -> Storms<W, N>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let document = Document::parse("the scenario", scenario).unwrap_or_else(|misfit| panic!("{misfit}"));
    let scenario = Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}"));
    explicit::<W, N>(&scenario, &document).unwrap_or_else(|misfit| panic!("{misfit}"));
    Storms { scenario, document, types: PhantomData }
}

impl<W, N> fmt::Debug for Storms<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storms of {}", self.scenario.name)
    }
}

/// A scenario with everything written out. Its `Debug` is the scenario's file.
#[derive(Clone)]
pub struct Storm(Scenario);

impl Storm {
    /// Runs it and judges the run.
    pub fn run<W, N>(&self) -> Summary
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        run_written_out::<W, N, ()>(&self.0, &mut ())
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.0
    }
}

impl fmt::Debug for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a scenario; save it as a file and `rumormill run` it:\n{}", self.0.concise())
    }
}

impl<W, N> Strategy for Storms<W, N>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    type Tree = StormTree<W, N>;
    type Value = Storm;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let scenario = Scenario { seed: runner.rng().random(), ..self.scenario.clone() };
        let storm = explicit::<W, N>(&scenario, &self.document).map_err(|misfit| misfit.to_string())?;
        Ok(StormTree { drawn: storm, search: Search::NotBegun, types: PhantomData })
    }
}

/// A drawn storm, and the search for a smaller one once it has failed.
pub struct StormTree<W, N> {
    drawn: Scenario,
    search: Search,
    types: PhantomData<fn() -> (W, N)>,
}

enum Search {
    /// The drawn storm is the current one.
    NotBegun,
    /// The judge fails the drawn storm, and this is the smallest that it fails for the same reason.
    ByTheJudge(Box<Scenario>),
    /// Only the property says whether a candidate fails.
    ByTheProperty(Box<Shrinker>),
}

impl<W, N> fmt::Debug for StormTree<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a storm of {}", self.drawn.name)
    }
}

impl<W, N> StormTree<W, N>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    /// Asks the judge, who needs no property to be run.
    fn begun(&self) -> Search {
        let mut shrinker = Shrinker::new(self.drawn.clone());
        match Reason::of::<W, N>(&self.drawn) {
            None => Search::ByTheProperty(Box::new(shrinker)),
            Some((reason, _)) => {
                shrink(&mut shrinker, 1, |candidate| reason.holds::<W, N>(candidate), |_| true);
                Search::ByTheJudge(Box::new(shrinker.smallest().clone()))
            }
        }
    }
}

impl<W, N> ValueTree for StormTree<W, N>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    type Value = Storm;

    fn current(&self) -> Storm {
        Storm(match &self.search {
            Search::NotBegun => self.drawn.clone(),
            Search::ByTheJudge(smallest) => (**smallest).clone(),
            Search::ByTheProperty(shrinker) => {
                shrinker.candidate().unwrap_or_else(|| shrinker.smallest()).clone()
            }
        })
    }

    /// The current storm failed.
    fn simplify(&mut self) -> bool {
        match &mut self.search {
            Search::NotBegun => {
                self.search = self.begun();
                true
            }
            Search::ByTheJudge(_) => false,
            Search::ByTheProperty(shrinker) if shrinker.candidate().is_none() => false,
            Search::ByTheProperty(shrinker) => {
                shrinker.accept();
                shrinker.candidate().is_some()
            }
        }
    }

    /// The current storm passed.
    fn complicate(&mut self) -> bool {
        match &mut self.search {
            Search::NotBegun => false,
            // The property and the judge do not mean the same; the property's word counts.
            Search::ByTheJudge(_) => {
                self.search = Search::ByTheProperty(Box::new(Shrinker::new(self.drawn.clone())));
                true
            }
            Search::ByTheProperty(shrinker) if shrinker.candidate().is_none() => false,
            Search::ByTheProperty(shrinker) => {
                shrinker.reject();
                shrinker.candidate().is_some()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{RngSeed, TestError, TestRunner};

    use super::*;
    use crate::id::NodeId;
    use crate::protocol::gossip::Gossip;
    use crate::workload::Verdict;
    use crate::workload::broadcast::Broadcast;

    fn scenario(anti_entropy: &str) -> String {
        format!(
            r#"{{ "name": "any-storm", "nodes": 5, "protocol": {{ "gossip": {{ "anti_entropy": {anti_entropy} }} }},
                  "network": {{ "latency": {{ "exponential": {{ "mean": "20ms" }} }}, "loss": 0.1 }},
                  "workload": {{ "broadcast": {{ "rate": 10.0, "time_limit": "10s" }} }},
                  "nemesis": {{ "kinds": ["partition", "crash", "pause"], "interval": "2s" }} }}"#
        )
    }

    fn config() -> ProptestConfig {
        ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
    }

    fn failure(anti_entropy: &str) -> Option<(String, Storm)> {
        let config = ProptestConfig { cases: 30, ..config() };
        let ran =
            TestRunner::new(config).run(&storms::<Broadcast, Gossip>(&scenario(anti_entropy)), |storm| {
                let ran = storm.run::<Broadcast, Gossip>();
                prop_assert_eq!(ran.verdict, Verdict::Pass, "{:?}", ran.problems);
                Ok(())
            });
        match ran {
            Err(TestError::Fail(why, storm)) => Some((why.to_string(), storm)),
            Ok(()) => None,
            Err(error @ TestError::Abort(_)) => panic!("{error}"),
        }
    }

    #[test]
    fn what_holds_passes() {
        assert!(failure("\"1s\"").is_none());
    }

    #[test]
    fn what_fails_shrinks_and_shows_a_file() {
        let (why, storm) = failure("null").expect("without repair some storm fails");
        assert!(why.contains("never arrived there"), "{why}");
        assert_eq!(storm.scenario().operations.as_ref().unwrap().len(), 1, "{storm:?}");
        assert!(storm.scenario().faults.len() <= 1, "{storm:?}");
        let shown = format!("{storm:?}");
        let file = &shown[shown.find('{').unwrap()..];
        let document = Document::parse("what is shown", file).unwrap();
        assert_eq!(Scenario::read(&document).unwrap().seed, storm.scenario().seed);
    }

    #[test]
    fn what_only_the_property_fails_shrinks_by_it() {
        let config = ProptestConfig { max_shrink_iters: 5_000, ..config() };
        let storms = storms::<Broadcast, Gossip>(&scenario("\"1s\""));
        let ran = TestRunner::new(config).run(&storms, |storm| {
            let asked =
                storm.scenario().operations.iter().flatten().filter(|it| it.node == NodeId(3)).count();
            prop_assert!(asked < 2, "n3 is asked {asked} times");
            Ok(())
        });
        let Err(TestError::Fail(_, storm)) = ran else { panic!("n3 is asked again and again") };
        assert_eq!(storm.scenario().operations.as_ref().unwrap().len(), 2, "{storm:?}");
        assert_eq!((storm.scenario().faults.len(), storm.scenario().members().present()), (0, 1));
    }
}
