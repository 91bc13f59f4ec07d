//! What several chapters need: the project's folder, a program given its input, a scenario run without a command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rumormill::node::Node;
use rumormill::protocol::{Registry as _, Visitor, builtin};
use rumormill::run::{Summary, run};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::{Document, Misfit};
use rumormill::workload::Workload;

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
