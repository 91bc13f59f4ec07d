//! What the commands that answer with probabilities share: how their numbers are read and shown.

use serde::Serialize;

use crate::epidemic::{Answer, Method};
use crate::ratio::Chance;

/// Larger clusters are nobody's.
const MOST_NODES: u64 = 1_000_000_000_000;

/// A number of nodes, or what is one.
pub(super) fn nodes(text: &str) -> Result<u64, String> {
    let nodes = text.parse().ok().filter(|nodes| *nodes <= MOST_NODES);
    nodes.ok_or_else(|| format!("write a whole number from 0 to {MOST_NODES}"))
}

/// A number of contacts, or of trials, or what is one.
pub(super) fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// A number of rounds, or what is one.
pub(super) fn rounds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u32::MAX))
}

/// A probability, or what is one.
pub(super) fn chance(text: &str) -> Result<Chance, String> {
    let chance = text.parse::<f64>().ok().and_then(Chance::new);
    chance.ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// A probability to be reached; below 0 there is nothing to do.
pub(super) fn target(text: &str) -> Result<f64, String> {
    let target = text.parse::<f64>().ok().filter(|target| *target <= 1.0 && target.is_finite());
    target.ok_or_else(|| "write a number up to 1, such as 0.99".to_owned())
}

/// A target as a chance: 0 if it is below that.
pub(super) fn chance_of(target: f64) -> Chance {
    Chance::new(target.max(0.0)).unwrap_or(Chance::ALWAYS)
}

/// The method of an answer in a word, and the bound of its error; both are the answer's own.
pub(super) fn method_of(answer: &Answer) -> (&'static str, f64) {
    match answer.method {
        Method::Exact { error_bound } => ("exact", error_bound),
        Method::Approximate { error_bound } => ("approximate", error_bound),
    }
}

/// Mass below this is let go of, so what is less is not told from 0.
const LEAST: f64 = 1e-22;

/// How an answer was got, for people.
pub(super) fn method_told(method: &str, bound: f64) -> String {
    match bound {
        0.0 => method.to_owned(),
        bound => format!("{method}; the error of a probability is below {bound:.0e}"),
    }
}

/// A probability that an answer gives, for people. What is not told from 0 is not called 0.
pub(super) fn odds(probability: f64, answer: &Answer) -> String {
    match (probability, answer.method) {
        (0.0, Method::Exact { error_bound: 0.0 }) => "0".to_owned(),
        (0.0, _) => format!("<{LEAST:.0e}"),
        (probability, _) => figure(Some(probability)),
    }
}

/// A probability for people: five digits that count.
pub(super) fn figure(probability: Option<f64>) -> String {
    match probability {
        None => "-".to_owned(),
        Some(least) if least > 0.0 && least < LEAST => format!("<{LEAST:.0e}"),
        Some(0.0) => "0".to_owned(),
        Some(small) if small < 1e-4 => format!("{small:.2e}"),
        Some(number) => {
            // As many places as leave five digits from the first that is not 0.
            let places = (1..9).find(|places| number * 10_f64.powi(*places) >= 1.0).unwrap_or(0) + 4;
            let text = format!("{number:.*}", places.min(8) as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

pub(super) fn whole_or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// So many of a thing.
pub(super) fn counted(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// A share in percent; what is not all is not shown as all.
pub(super) fn percent(share: f64) -> String {
    match format!("{:.3} %", 100.0 * share) {
        all if all.starts_with("100") && share < 1.0 => ">99.999 %".to_owned(),
        shown => shown,
    }
}

/// An answer as JSON, its keys in order.
pub(super) fn json(answer: &impl Serialize) -> String {
    serde_json::to_string_pretty(answer).expect("its numbers are finite") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_five_digits_that_count() {
        let shown =
            [0.0, 1.0, 0.5, 0.0074158333, 0.266010, 0.000220, 2.2e-5, 0.99999].map(|it| figure(Some(it)));
        assert_eq!(shown, ["0", "1", "0.5", "0.0074158", "0.26601", "0.00022", "2.20e-5", "0.99999"]);
        assert_eq!(figure(None), "-");
    }

    #[test]
    fn numbers_are_read_or_refused() {
        assert_eq!((nodes("25"), nodes("0")), (Ok(25), Ok(0)));
        assert!(nodes("1000000000001").is_err() && nodes("-1").is_err() && nodes("2.5").is_err());
        assert_eq!((target("-3"), target("1")), (Ok(-3.0), Ok(1.0)));
        assert!(target("1.01").is_err() && target("nan").is_err() && target("-inf").is_err());
        assert_eq!(chance_of(-3.0), Chance::NEVER);
        assert!(chance("nan").is_err() && chance("-0.1").is_err() && chance("1.1").is_err());
        assert!(rounds("4294967296").is_err() && whole("1e3").is_err());
    }
}
