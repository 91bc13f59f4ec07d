//! Rows and columns as text: aligned for a terminal, as Markdown, as CSV.

/// A table: its head, and rows as wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| self.lines().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (0..self.head.len()).map(width).collect()
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }

    /// In columns, numbers to the right.
    pub fn aligned(&self) -> String {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            cells.collect::<Vec<_>>().join("  ") + "\n"
        };
        self.lines().map(line).collect()
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = format!("|{}\n", "---:|".repeat(self.head.len()));
        line(&self.head) + &rule + &self.rows.iter().map(line).collect::<String>()
    }

    /// As CSV (RFC 4180, with plain line ends).
    pub fn csv(&self) -> String {
        let cell = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        self.lines().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rows_in_three_ways() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table =
            Table { head: row(["fanout", "rate"]), rows: vec![row(["1", "0.5"]), row(["a,\"b\"|", "10"])] };
        assert_eq!(table.aligned(), "fanout  rate\n     1   0.5\na,\"b\"|    10\n");
        assert_eq!(table.markdown(), "| fanout | rate |\n|---:|---:|\n| 1 | 0.5 |\n| a,\"b\"\\| | 10 |\n");
        assert_eq!(table.csv(), "fanout,rate\n1,0.5\n\"a,\"\"b\"\"|\",10\n");
    }
}
