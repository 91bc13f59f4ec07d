//! Holds rumour mongering against the tables that Demers et al. printed in 1987, and Serf's curve against what is played.
//!
//! `cargo run --release --example demers > docs/demers.md`. Nothing is fitted. A figure that is too far off is marked and
//! makes it exit 1.
#![expect(clippy::print_stdout, reason = "it prints a page")]

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::process::ExitCode;

use rumormill::epidemic::estimate::Estimate;
use rumormill::epidemic::rumor::{Direction, Interest, Mongering, Removal};
use rumormill::epidemic::{Mode, Setting, monte_carlo};
use rumormill::ratio::Chance;

const SITES: u32 = 1_000;
const TRIALS: u64 = 10_000;
/// Where hardly a site is missed it takes more trials to see how many.
const RARE: u64 = 100_000;

struct Table {
    name: &'static str,
    direction: Direction,
    interest: Interest,
    removal: Removal,
    /// For k = 1, 2, ...: s, m and t_last as printed.
    rows: &'static [[&'static str; 3]],
}

const TABLES: [Table; 3] = [
    Table {
        name: "Push, feedback, counter",
        direction: Direction::Push,
        interest: Interest::Feedback,
        removal: Removal::Counter,
        rows: &[
            ["0.18", "1.7", "16.8"],
            ["0.037", "3.3", "16.9"],
            ["0.011", "4.5", "17.4"],
            ["0.0036", "5.6", "17.5"],
            ["0.0012", "6.7", "17.7"],
        ],
    },
    Table {
        name: "Push, blind, coin",
        direction: Direction::Push,
        interest: Interest::Blind,
        removal: Removal::Coin,
        rows: &[
            ["0.96", "0.04", "38"],
            ["0.20", "1.6", "33"],
            ["0.060", "2.8", "32"],
            ["0.021", "3.9", "32"],
            ["0.008", "4.9", "32"],
        ],
    },
    Table {
        name: "Pull, feedback, counter",
        direction: Direction::Pull,
        interest: Interest::Feedback,
        removal: Removal::Counter,
        rows: &[["0.031", "2.7", "17.6"], ["0.00058", "4.5", "15.4"], ["0.000004", "6.1", "14.0"]],
    },
];

/// A figure of ours beside a printed one.
struct Held {
    /// Ours, and its standard error.
    ours: String,
    /// How far off, beyond the rounding of the print, in standard errors of a mean of a hundred trials.
    off: f64,
}

fn held(printed: &str, ours: Estimate, trials: u64) -> Held {
    let theirs: f64 = printed.parse().expect("a number");
    let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let rounding = 0.5 / libm::pow(10.0, decimals as f64);
    let error = ours.standard_error.expect("there are many trials");
    let of_a_hundred = error * (trials as f64 / 100.0).sqrt();
    // As many digits as let two of the error be seen.
    let digits = (1.0 - libm::floor(libm::log10(error))).max(0.0) as usize;
    Held {
        ours: format!("{:.digits$} ± {error:.digits$}", ours.mean),
        off: ((ours.mean - theirs).abs() - rounding).max(0.0) / of_a_hundred,
    }
}

/// Writes a table and gives the number of figures that are too far off.
fn tell(table: &Table, page: &mut String) -> usize {
    let Table { name, direction, interest, removal, rows } = *table;
    _ = writeln!(page, "\n## {name}\n");
    _ = writeln!(page, "| k | s: paper | ours | off | m: paper | ours | off | t_last: paper | ours | off |");
    _ = writeln!(page, "|---|---|---|---|---|---|---|---|---|---|");
    let mut missed = 0;
    for (k, printed) in (1..).zip(rows) {
        let k = NonZeroU16::new(k).expect("it begins at 1");
        let trials = if printed[0] == "0.000004" { RARE } else { TRIALS };
        let mongering = Mongering { sites: SITES, direction, interest, removal, k };
        let ours = mongering.trials(trials, 1987).expect("there are trials");
        _ = write!(page, "| {k} |");
        for (printed, ours) in printed.iter().zip([ours.residue, ours.traffic, ours.last]) {
            let Held { ours, off } = held(printed, ours, trials);
            let mark = if off > 3.0 { " **too far**" } else { "" };
            missed += usize::from(off > 3.0);
            _ = write!(page, " {printed} | {ours} | {off:.1}{mark} |");
        }
        page.push('\n');
    }
    missed
}

/// Serf's published curve for so many nodes without loss, beside the mean share that is informed when it is played.
fn serf(page: &mut String) {
    let (nodes, fanout) = (30, 3);
    let setting = Setting { nodes, fanout, rounds: Some(20), loss: Chance::NEVER, mode: Mode::Push };
    let played = monte_carlo::trials(&setting, 1_000_000, 1987).expect("it can be played");
    let curve = |round: u32| {
        let steepness = fanout as f64 / 2.0;
        1.0 / (1.0 + (nodes + 1) as f64 * libm::exp(-steepness * f64::from(round)))
    };
    let first = |share: &dyn Fn(u32) -> f64| (0..).find(|round| share(*round) >= 0.9999).unwrap_or(0);
    _ = write!(
        page,
        "
## Serf's convergence curve

Serf's documentation draws f(x) = 1 / (1 + (n + 1) e^(-c n x)), c n = fanout / 2 without loss and failures: a logistic. For
n = {nodes}, fanout {fanout}, it is at 99.99 % after {} rounds; played a million times, the mean share is there after {}.

| round | Serf's curve | played |
|---|---|---|
",
        first(&curve),
        first(&|round| played.share_after(round)),
    );
    for round in 0..=9 {
        _ = writeln!(page, "| {round} | {:.5} | {:.5} |", curve(round), played.share_after(round));
    }
}

fn main() -> ExitCode {
    let mut page = format!(
        "# Rumour mongering: the figures of 1987

Made by `just demers`. A. Demers et al., \"Epidemic algorithms for replicated database maintenance\", 1987: {SITES} sites, one
partner a cycle, drawn uniformly. s is the share of the sites never reached, m the rumours sent per site, t_last the cycle in
which the last site heard. Ours are means of {TRIALS} trials ({RARE} for the last row) ± their standard error; nothing is
fitted. The paper does not say over how many trials its figures are means. \"Off\" is by how much ours differ, beyond the
rounding of the print, in standard errors of a mean of 100 trials; up to 3 is taken as agreement.

Two details decide it. A push is unnecessary if the recipient knew at the *start* of the cycle; a counter counts unnecessary
ones *in a row*, and a useful one resets it. (In pull that is judged by all who asked in the cycle.) The paper's t_ave is
left out: for push it does not follow from the text.
"
    );
    let missed: usize = TABLES.iter().map(|table| tell(table, &mut page)).sum();
    serf(&mut page);
    print!("{page}");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
