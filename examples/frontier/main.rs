//! The frontier of efficient broadcast: how few messages an operation takes for how late a median, by four protocols.
//!
//! `cargo run --release --example frontier` runs them and writes the tables of docs/broadcast.md, and docs/broadcast.svg.
//! With a number, only the cluster of so many nodes is run; with 0 none, and the plot is drawn anew from the tables. A run
//! that is not valid or not strict is marked in the page and makes it exit 1.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;

mod cells;
mod challenge;
mod page;
mod plot;
mod table;

use cells::{Outcome, Row, SIZES, Size, Weather, rows};
use page::mark;
use table::{Outcomes, filled};

/// Two are kind to a machine that is shared; how many there are changes no figure.
const THREADS: usize = 2;

/// The rows of a size in a profile, each in the calm and under the cut.
fn measured(size: Size, profile: &str) -> Vec<(Row, Outcomes, Outcomes)> {
    let weathers = [Weather::Calm, Weather::Halves];
    let runs: Vec<(Row, Weather, u64)> = rows(size.nodes)
        .flat_map(|row| weathers.map(|weather| (row, weather)))
        .flat_map(|(row, weather)| (0..size.seeds).map(move |seed| (row, weather, seed)))
        .collect();
    let outcome = |(row, weather, seed): &(Row, Weather, u64)| row.run(size.nodes, profile, *weather, *seed);
    let outcomes: Vec<Outcome> = runs.par_iter().with_max_len(1).map(outcome).collect();
    let mut each = outcomes.chunks(size.seeds as usize).map(<[Outcome]>::to_vec);
    let mut next = || each.next().expect("every row has runs in both");
    rows(size.nodes).map(|row| (row, next(), next())).collect()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let only = std::env::args().nth(1).map(|nodes| nodes.parse::<u32>()).transpose()?;
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut page = std::fs::read_to_string(docs.join("broadcast.md"))?;
    let mut all_good = true;
    for size in SIZES.into_iter().filter(|size| only.is_none_or(|nodes| nodes == size.nodes)) {
        for profile in ["ideal", "maelstrom"] {
            let rows = measured(size, profile);
            let mut outcomes = rows.iter().flat_map(|(_, calm, halves)| calm.iter().chain(halves));
            all_good &= outcomes.all(|outcome| outcome.is_valid && outcome.is_strict);
            let table = table::frontier(size, &rows);
            page = filled(&page, &mark(size.nodes, &format!("profile {profile}")), &table);
            if profile == "maelstrom" {
                page = filled(&page, &mark(size.nodes, "load"), &table::loads(&rows));
            }
        }
    }
    std::fs::write(docs.join("broadcast.md"), &page)?;
    std::fs::write(docs.join("broadcast.svg"), plot::svg(&page))?;
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
