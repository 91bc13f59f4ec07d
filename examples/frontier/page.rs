//! Where tables stand in the page, how figures are written there, and how they are read again.
//!
//! What stands outside the marks is the author's, and is left alone. It knows no runs.

/// Three figures, or all before the point.
pub(crate) fn number(figure: f64) -> String {
    let digits = match figure {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{figure:.digits$}")
}

/// Figures of a row, one for each seed.
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn of<T>(runs: &[T], figure: impl Fn(&T) -> f64) -> Figures {
        Figures(runs.iter().map(figure).collect())
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn least(&self) -> f64 {
        self.0.iter().fold(f64::MAX, |least, figure| least.min(*figure))
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.iter().fold(f64::MIN, |most, figure| most.max(*figure))
    }

    /// The mean, and the least and the greatest of the seeds.
    pub(crate) fn told(&self) -> String {
        format!("{} ({} to {})", number(self.mean()), number(self.least()), number(self.most()))
    }
}

/// The mean, and the least and the greatest of the seeds, from "2.15 (2.10 to 2.19)"; `None` if that is not what it says.
pub(crate) fn figures(cell: &str) -> Option<[f64; 3]> {
    let (mean, ends) = cell.strip_suffix(')')?.split_once(" (")?;
    let (least, most) = ends.split_once(" to ")?;
    Some([mean.parse().ok()?, least.parse().ok()?, most.parse().ok()?])
}

/// The line above the table of one size: in a profile, or of its loads.
pub(crate) fn mark(nodes: u32, what: &str) -> String {
    format!("<!-- made by `just frontier`: {nodes} nodes, {what} -->\n")
}

/// The line below every table.
pub(crate) const END: &str = "<!-- end -->";

/// What stands at the mark.
///
/// # Panics
/// If the page has no such mark, or no end follows it.
pub(crate) fn block<'a>(page: &'a str, mark: &str) -> &'a str {
    let (_, rest) =
        page.split_once(mark).unwrap_or_else(|| panic!("docs/broadcast.md lacks the line {mark}"));
    let (block, _) =
        rest.split_once(END).unwrap_or_else(|| panic!("docs/broadcast.md: no {END} after {mark}"));
    block
}

/// The rows of the table at the mark, without its head: the name, and what follows.
pub(crate) fn lines<'a>(page: &'a str, mark: &str) -> Vec<(&'a str, Vec<&'a str>)> {
    let cells = |line: &'a str| {
        let line = line.trim_start_matches('|').trim_end_matches('|');
        let mut cells = line.split('|').map(str::trim);
        (cells.next().unwrap_or_default(), cells.collect())
    };
    block(page, mark).lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}
