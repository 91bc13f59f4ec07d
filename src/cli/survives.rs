//! What a workload holds its protocols to survive, and a note when a test asks for more.

use std::io::Write as _;

use crate::protocol::{Registry, Row};
use crate::workload::Trouble;

/// Troubles for people.
pub(super) fn listed(troubles: &[Trouble]) -> String {
    let words: Vec<String> = troubles.iter().map(Trouble::to_string).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Says on stderr if a nemesis is to draw what the protocol need not survive.
pub(super) fn note(registry: &impl Registry, protocol: &str, nemesis: &[String]) {
    let rows = registry.rows();
    let told = rows.iter().find(|row| row.name == protocol).and_then(|row| beyond(row, nemesis));
    if let Some(told) = told {
        // Nobody can be told that stderr is gone.
        _ = writeln!(std::io::stderr(), "note: {told}");
    }
}

fn beyond(row: &Row, nemesis: &[String]) -> Option<String> {
    let held = |kind: &str| row.survives.iter().any(|trouble| trouble.to_string() == kind);
    let beyond: Vec<&str> = nemesis.iter().map(String::as_str).filter(|kind| !held(kind)).collect();
    (!beyond.is_empty()).then(|| {
        format!(
            "a protocol that serves {} need not survive {}, only {}; a failure may be none of its own",
            row.workload,
            beyond.join(", "),
            listed(row.survives)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_the_workload_is_noted() {
        let row = |survives| Row { name: "mine", workload: "ring", survives };
        let nemesis = ["crash", "wipe", "pause"].map(str::to_owned);
        assert_eq!(beyond(&row(&Trouble::ALL), &nemesis), None);
        assert_eq!(beyond(&row(&[]), &[]), None);
        let told = "a protocol that serves ring need not survive wipe, pause, only crash, slow; a failure may be none of \
                    its own";
        let row = row(&[Trouble::Crash, Trouble::Slow]);
        assert_eq!(beyond(&row, &nemesis).as_deref(), Some(told));
    }
}
