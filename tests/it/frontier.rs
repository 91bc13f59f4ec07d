//! The page of the frontier is true: it has every row, marks what meets the challenges, and its plot is that of its tables.
//!
//! A few of its runs are made again, and must come to what the page says, those of one row to its very figures; `just
//! frontier` makes them all.

use rayon::prelude::*;
use rumormill::sim::network::Profile;

#[path = "../../examples/frontier/cells.rs"]
mod cells;
#[path = "../../examples/frontier/challenge.rs"]
mod challenge;
#[path = "../../examples/frontier/page.rs"]
mod page;
#[path = "../../examples/frontier/plot.rs"]
mod plot;

use cells::{Outcome, Row, SIZES, Weather, called, rows};
use page::{Figures, figures, lines, mark, number};

use crate::support::root;

fn committed() -> String {
    std::fs::read_to_string(root().join("docs/broadcast.md")).unwrap()
}

#[test]
fn the_page_has_every_row_and_marks_what_meets_the_challenges() {
    let page = committed();
    let unwrapped = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for size in SIZES {
        let told = format!("{} seeds at {} nodes", size.seeds, number_of_nodes(size.nodes));
        assert!(unwrapped.contains(&told), "the page says over how many seeds: {told}");
        let names: Vec<String> = rows(size.nodes).map(Row::name).collect();
        for what in ["profile maelstrom", "profile ideal", "load"] {
            let told = lines(&page, &mark(size.nodes, what));
            assert_eq!(
                told.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
                names,
                "{} nodes, {what}",
                size.nodes
            );
        }
    }
    for what in ["profile maelstrom", "profile ideal"] {
        for (name, cells) in lines(&page, &mark(25, what)) {
            let [messages, median, most] = [0, 1, 2].map(|at| figures(cells[at]).unwrap()[2]);
            assert_eq!(cells[3], challenge::met(messages, median, most), "{what}, {name}");
        }
    }
}

/// The cells of a row at 25 nodes: in a profile, or of its load.
fn cells_of<'a>(page: &'a str, what: &str, name: &str) -> Vec<&'a str> {
    let found = lines(page, &mark(25, what)).into_iter().find(|(told, _)| *told == name);
    found.unwrap_or_else(|| panic!("the page has no row {name}")).1
}

/// As people write it.
fn number_of_nodes(nodes: u32) -> String {
    if nodes < 1_000 { nodes.to_string() } else { format!("{},{:03}", nodes / 1_000, nodes % 1_000) }
}

#[test]
fn the_plot_is_that_of_the_tables() {
    let drawn = std::fs::read_to_string(root().join("docs/broadcast.svg")).unwrap();
    assert!(
        plot::svg(&committed()) == drawn,
        "docs/broadcast.svg is not of the page's tables: run `just frontier`"
    );
}

#[test]
fn a_few_runs_come_to_what_the_page_says() {
    let page = committed();
    for (name, profile, weather, seed) in [
        ("relay, 440 ms", Profile::Maelstrom, Weather::Calm, 3),
        ("relay, 1700 ms", Profile::Ideal, Weather::Halves, 4),
        ("flood on a star, 380 ms", Profile::Ideal, Weather::Calm, 5),
        ("gossip, fanout 2", Profile::Maelstrom, Weather::Halves, 6),
    ] {
        let row = rows(25).find(|row| row.name() == name).unwrap();
        let outcome = row.run(25, profile, weather, seed);
        let profile = called(profile);
        let cells = cells_of(&page, &format!("profile {profile}"), name);
        let first = if weather == Weather::Calm { 0 } else { 4 };
        for (at, figure) in (first..).zip([outcome.msgs_per_op, outcome.median, outcome.most]) {
            let [_, least, most] = figures(cells[at]).unwrap();
            let told: f64 = number(figure).parse().unwrap();
            assert!((least..=most).contains(&told), "{profile}, {name}: {told} is not in {}", cells[at]);
        }
        let is_good = outcome.is_valid && outcome.is_strict;
        assert!(is_good || cells[7] != "all", "{profile}, {name}, seed {seed}: {outcome:?}");
        if let Some(load) = outcome.load {
            // Means of all seeds, so near them.
            let ours =
                [load.bytes_per_op, load.busiest_messages, load.busiest_bytes / 1e3, load.mean_messages];
            for (told, ours) in cells_of(&page, "load", name).into_iter().zip(ours) {
                let told: f64 = told.parse().unwrap();
                assert!((ours / told - 1.0).abs() < 0.1, "{name}: {ours}, and the page says {told}");
            }
        }
    }
}

#[test]
fn the_runs_of_a_row_come_to_its_very_figures() {
    let (page, size, name) = (committed(), SIZES[0], "relay, 440 ms");
    assert_eq!(size.nodes, 25, "the challenges are for so many");
    let row = rows(size.nodes).find(|row| row.name() == name).unwrap();
    let run = |seed| row.run(size.nodes, Profile::Maelstrom, Weather::Halves, seed);
    let outcomes: Vec<Outcome> = (0..size.seeds).into_par_iter().map(run).collect();
    let each: [fn(&Outcome) -> f64; 3] =
        [|outcome| outcome.msgs_per_op, |outcome| outcome.median, |outcome| outcome.most];
    let told = each.map(|figure| Figures::of(&outcomes, figure).told());
    let cells = cells_of(&page, "profile maelstrom", name);
    assert_eq!(told[..], cells[4..7], "{name}, under the cut: run `just frontier`");
    assert!(outcomes.iter().all(|outcome| outcome.is_valid && outcome.is_strict) || cells[7] != "all");
}
