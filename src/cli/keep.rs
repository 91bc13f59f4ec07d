//! Keeping a scenario with everything drawn, so that it runs the same without being drawn again.
//!
//! What fails is kept unasked, in the folder `failures/`.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::node::Node;
use crate::run::explicit;
use crate::scenario::Scenario;
use crate::scenario::document::Document;
use crate::workload::Workload;

/// Writes a scenario with everything drawn.
pub(super) fn write<W, N>(scenario: &Scenario, document: &Document, path: &Path) -> Result<(), Failure>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let explicit = explicit::<W, N>(scenario, document).map_err(Failure::bad_scenario)?;
    let json = serde_json::to_string(&explicit).map_err(|error| Failure::internal(error.to_string()))?;
    let document =
        Document::parse("the scenario", &json).map_err(|misfit| Failure::internal(misfit.to_string()))?;
    let io = |error| Failure::io(&path.display().to_string(), &error);
    std::fs::write(path, document.root().pretty()).map_err(io)
}

/// Keeps a failing scenario unasked, and says where.
pub(super) fn keep<W, N>(scenario: &Scenario, document: &Document) -> Result<PathBuf, Failure>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let folder = Path::new("failures");
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("failures/", &error))?;
    let path = folder.join(format!("{}-seed-{}.json", scenario.name, scenario.seed));
    write::<W, N>(scenario, document, &path)?;
    Ok(path)
}
