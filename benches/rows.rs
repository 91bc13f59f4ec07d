//! The rows of a benchmark's table: which the command line asks for, and how many seeds take turns in one.
//!
//! It does not know what a row measures.

/// So many seeds take turns.
pub(crate) const SEEDS: u64 = 8;

/// The words of the command line. Each begins the names of the rows that it asks for.
pub(crate) struct Asked(Vec<String>);

impl Asked {
    /// Asks for what the words say.
    ///
    /// # Errors
    /// What to say of a word that begins no name.
    pub(crate) fn new(words: Vec<String>, names: &[&str]) -> Result<Asked, String> {
        let begins = |word: &String| names.iter().any(|name| name.starts_with(word.as_str()));
        match words.iter().find(|word| !begins(word)) {
            Some(word) => Err(format!("no row begins with `{word}`: the rows are {}", names.join(", "))),
            None => Ok(Asked(words)),
        }
    }

    /// Whether no word was given.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a word asks for the row.
    pub(crate) fn names(&self, row: &str) -> bool {
        self.0.iter().any(|word| row.starts_with(word.as_str()))
    }
}
