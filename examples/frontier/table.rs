//! The page's tables: how rows and their figures are told, and put where they belong in the page.

use std::fmt::Write as _;

use super::cells::{Load, Outcome, Row, Size};
use super::challenge::met;
use super::page::{END, Figures, block, number};

/// What the runs of one row came to in one kind of weather, a run for each seed.
pub(crate) type Outcomes = Vec<Outcome>;

/// Whether every run was judged valid, and strictly so; which were not, if any.
fn judged(calm: &[Outcome], halves: &[Outcome]) -> String {
    let mut bad = Vec::new();
    for (weather, outcomes) in [("calm", calm), ("cut", halves)] {
        let (valid, strict) = (
            outcomes.iter().filter(|outcome| outcome.is_valid).count(),
            outcomes.iter().filter(|outcome| outcome.is_strict).count(),
        );
        if valid.min(strict) < outcomes.len() {
            bad.push(format!("**{weather}: {valid} valid, {strict} strict of {}**", outcomes.len()));
        }
    }
    if bad.is_empty() { "all".to_owned() } else { bad.join("; ") }
}

/// The table of one size in one profile.
pub(crate) fn frontier(size: Size, rows: &[(Row, Outcomes, Outcomes)]) -> String {
    // The challenges are for so many nodes.
    let is_challenge = size.nodes == 25;
    let (meets, line) = if is_challenge { (" meets |", "---|") } else { ("", "") };
    let mut table = format!(
        "| | msgs-per-op | median ms | max ms |{meets} cut: msgs-per-op | median ms | max ms | valid and strict |\n\
         |---|---|---|---|{line}---|---|---|---|\n"
    );
    for (row, calm, halves) in rows {
        let three = |outcomes: &[Outcome]| {
            [
                Figures::of(outcomes, |outcome| outcome.msgs_per_op),
                Figures::of(outcomes, |outcome| outcome.median),
                Figures::of(outcomes, |outcome| outcome.most),
            ]
        };
        let (calm_figures, cut_figures) = (three(calm), three(halves));
        let mut cells = vec![row.name()];
        cells.extend(calm_figures.each_ref().map(Figures::told));
        if is_challenge {
            let [messages, median, most] = calm_figures.each_ref().map(Figures::most);
            cells.push(met(messages, median, most));
        }
        cells.extend(cut_figures.each_ref().map(Figures::told));
        cells.push(judged(calm, halves));
        _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

/// The table of what a size asks of network and nodes, in the calm.
pub(crate) fn loads(rows: &[(Row, Outcomes, Outcomes)]) -> String {
    let mut table = "| | bytes per operation | busiest node: messages a second | kB a second | a node in the mean: messages a second |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for (row, calm, _) in rows {
        let loads: Vec<_> = calm.iter().filter_map(|outcome| outcome.load).collect();
        let mean = |figure: fn(&Load) -> f64| number(Figures::of(&loads, figure).mean());
        _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} |",
            row.name(),
            mean(|load| load.bytes_per_op),
            mean(|load| load.busiest_messages),
            mean(|load| load.busiest_bytes / 1e3),
            mean(|load| load.mean_messages)
        );
    }
    table
}

/// The page with another table at the mark.
pub(crate) fn filled(page: &str, mark: &str, table: &str) -> String {
    let old = format!("{mark}{}{END}", block(page, mark));
    page.replacen(&old, &format!("{mark}\n{table}\n{END}"), 1)
}
