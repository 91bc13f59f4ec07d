//! `--trace FILE`: everything that happens in a run goes to a file, whichever host runs it.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::Failure;
use crate::scenario::Scenario;
use crate::trace::{FORMAT, Header, Tracer};

/// An observer that writes a file.
pub(super) type FileTracer = Tracer<BufWriter<File>>;

/// A trace that begins at `path`, if there is one.
pub(super) fn begin(path: Option<&Path>, scenario: &Scenario) -> Result<Option<FileTracer>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    let header = Header {
        trace: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        scenario: &scenario.name,
        seed: scenario.seed,
        nodes: scenario.nodes,
        protocol: &scenario.protocol.name,
    };
    Ok(Some(Tracer::new(BufWriter::with_capacity(1 << 16, file), &header)))
}

/// Ends what [`begin`] began, and says if anything of it could not be written.
pub(super) fn end(tracer: Option<FileTracer>, path: Option<&Path>) -> Result<(), Failure> {
    let (Some(tracer), Some(path)) = (tracer, path) else { return Ok(()) };
    tracer.finish().map(drop).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let text = format!("{}: cannot write the trace; choose another --trace FILE", path.display());
    Failure::io(&text, error)
}
