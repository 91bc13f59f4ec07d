//! What several chapters need: the project's folder, a program given its input, a scenario run without a command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rumormill::node::Node;
use rumormill::protocol::{Registry as _, Visitor, builtin};
use rumormill::run::{Summary, explicit, run, run_written_out};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::{Document, Misfit};
use rumormill::shrink::{End, Reason, Shrinker, shrink};
use rumormill::workload::{Metric, Verdict, Workload};
use serde::{Deserialize, Serialize};

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Runs a program on an input.
pub(crate) fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a scenario with the protocol that it names.
pub(crate) fn run_named(scenario: &Scenario, document: &Document) -> Summary {
    struct Run<'a>(&'a Scenario, &'a Document);
    impl Visitor for Run<'_> {
        type Output = Result<Summary, Misfit>;

        fn visit<W, N>(self) -> Self::Output
        where
            W: Workload,
            N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
        {
            run::<W, N, ()>(self.0, self.1, &mut ())
        }
    }
    let ran = builtin().with(&scenario.protocol.name, Run(scenario, document));
    let ran = ran.unwrap_or_else(|_| panic!("{} is in the registry", scenario.protocol.name));
    ran.unwrap_or_else(|misfit| panic!("{misfit}"))
}

/// What a liar lies about, as its protocol's knob, so that all lies of a node are one program; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Lie {
    pub(crate) lie: u8,
}

/// How many of a hundred seeds fail for the reason named, and how many for any other.
pub(crate) fn failures<W, N>(
    scenario: impl Fn(u64) -> String,
    is_named: impl Fn(&Summary) -> bool,
) -> (usize, usize)
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let summaries = (0..100).map(|seed| run_text::<W, N>(&scenario(seed)));
    let failed = summaries.filter(|summary| summary.verdict == Verdict::Fail);
    let (named, other): (Vec<Summary>, Vec<Summary>) = failed.partition(is_named);
    (named.len(), other.len())
}

/// Shrinks a liar's failure in a storm of 20 seconds: what is left is small, runs the same twice, and its honest twin
/// passes it.
pub(crate) fn shrinks_to_its_lie<W, N>(liar: &str, lie: u8, text: impl Fn(u8, u64) -> String)
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let storm = |seed| {
        let text = text(lie, seed).replace("2999ms", "19999ms");
        let text = ["3s", "4s"].into_iter().fold(text, |text, limit| {
            text.replace(&format!(r#""time_limit": "{limit}""#), r#""time_limit": "20s""#)
        });
        text.replace(r#""settle""#, r#""nemesis": { "kinds": ["skew"], "interval": "3s" }, "settle""#)
    };
    let read = |text: &str| {
        let document = Document::parse("a liar's storm", text).unwrap();
        (Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}")), document)
    };
    let failing = |seed| {
        let (scenario, document) = read(&storm(seed));
        let failing = explicit::<W, N>(&scenario, &document).unwrap();
        Reason::of::<W, N>(&failing).map(|(reason, _)| (reason, failing))
    };
    let (reason, failing) = (0..100).find_map(failing).unwrap_or_else(|| panic!("{liar} fails no seed"));
    let mut shrinker = Shrinker::new(failing);
    let end = shrink(&mut shrinker, 2, |candidate| reason.holds::<W, N>(candidate), |_| true);
    assert_eq!(end, End::FixedPoint, "{liar}");
    let smallest = shrinker.smallest();
    let run = |scenario: &Scenario| run_written_out::<W, N, ()>(scenario, &mut ());
    let shown = || format!("{liar}, {}: {smallest:#?}", reason.fingerprint());
    let operations = smallest.operations.as_ref().unwrap().len();
    assert!(
        smallest.members().present() <= 3 && operations <= 3 && smallest.faults.len() <= 2,
        "{}",
        shown()
    );
    assert_eq!(run(smallest).digest, run(smallest).digest, "{}", shown());
    assert_eq!(run(smallest).fingerprint(smallest).as_deref(), Some(reason.fingerprint()), "{}", shown());
    // A twin that had no time to keep its word does not give it; of one that acknowledged nothing nothing is known.
    let honest = read(&text(Lie::default().lie, 0)).0.protocol;
    let twin = run(&Scenario { protocol: honest, ..smallest.clone() });
    let gave_no_word = twin.metric("acknowledged") == Some(Metric::Count(0));
    let expected = if gave_no_word { Verdict::Unknown } else { Verdict::Pass };
    assert_eq!(twin.verdict, expected, "the twin of {}", shown());
}

/// Runs a scenario given as text with a node of this test's choice, whatever protocol the text names.
pub(crate) fn run_text<W, N>(text: &str) -> Summary
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let document = Document::parse("a test's scenario", text).unwrap();
    let scenario = Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}\n{text}"));
    run::<W, N, ()>(&scenario, &document, &mut ()).unwrap_or_else(|misfit| panic!("{misfit}\n{text}"))
}
