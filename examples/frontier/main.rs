//! The frontier of efficient broadcast: how few messages an operation takes for how late a median, by four protocols.
//!
//! `cargo run --release --example frontier` runs them and writes the tables of docs/broadcast.md, and docs/broadcast.svg.
//! With a number, only the cluster of so many nodes is run; with 0 none, and the plot is drawn anew from the tables. A run
//! that is not valid or not strict is marked in the page and makes it exit 1; words that it does not know make it exit 64.
#![expect(clippy::print_stderr, reason = "a program refuses words that it does not know")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;
use rumormill::sim::network::Profile;

mod cells;
mod challenge;
mod page;
mod plot;
mod table;

use cells::{Outcome, Row, SIZES, Size, Weather, called, rows};
use page::mark;
use table::{Outcomes, filled};

/// Two are kind to a machine that is shared; how many there are changes no figure.
const THREADS: usize = 2;

/// The rows of a size in a profile, each in the calm and under the cut.
fn measured(size: Size, profile: Profile) -> Vec<(Row, Outcomes, Outcomes)> {
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

/// The sizes that the command line asks for: all, one by its number of nodes, or with 0 none; `None` if it says anything
/// else.
fn asked(words: &[String]) -> Option<Vec<Size>> {
    match words {
        [] => Some(SIZES.to_vec()),
        [word] => match word.parse().ok()? {
            0 => Some(Vec::new()),
            nodes => SIZES.into_iter().find(|size| size.nodes == nodes).map(|size| vec![size]),
        },
        [_, _, ..] => None,
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(sizes) = asked(&words) else {
        let known = SIZES.map(|size| size.nodes.to_string()).join(", ");
        let said = words.join(" ");
        eprintln!(
            "frontier: `{said}` is no cluster of the page: say one of {known}; 0 for the plot alone; or nothing for all"
        );
        return Ok(ExitCode::from(64));
    };
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut page = std::fs::read_to_string(docs.join("broadcast.md"))?;
    let mut all_good = true;
    for size in sizes {
        for profile in [Profile::Ideal, Profile::Maelstrom] {
            let rows = measured(size, profile);
            let mut outcomes = rows.iter().flat_map(|(_, calm, halves)| calm.iter().chain(halves));
            all_good &= outcomes.all(|outcome| outcome.is_valid && outcome.is_strict);
            let table = table::frontier(size, &rows);
            page = filled(&page, &mark(size.nodes, &format!("profile {}", called(profile))), &table);
            if profile == Profile::Maelstrom {
                page = filled(&page, &mark(size.nodes, "load"), &table::loads(&rows));
            }
        }
    }
    std::fs::write(docs.join("broadcast.md"), &page)?;
    std::fs::write(docs.join("broadcast.svg"), plot::svg(&page))?;
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
