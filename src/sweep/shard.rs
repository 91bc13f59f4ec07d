//! A shard: one of several parts of a sweep, a run of neighbouring seeds.
//!
//! It knows no machine and no scheduler: which part, and of how many, is always said.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Part `number`, counted from 1, of `count` parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    count: u64,
}

/// Why a text is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not two numbers.
    #[error("`{0}` is no shard; write I/N, the I-th of N, such as 1/4")]
    Shape(String),
    /// A number that there is not.
    #[error(
        "there is no shard {number} of {count}: they are counted from 1 to {count} (in Slurm: --array=1-{count})"
    )]
    Range {
        /// The number asked for.
        number: u64,
        /// Of how many.
        count: u64,
    },
}

impl Shard {
    /// Its seeds. The shards of a sweep are as long as each other, or one seed longer.
    pub fn of(self, seeds: &Range<u64>) -> Range<u64> {
        let length = u128::from(seeds.end - seeds.start);
        let edge = |number: u64| {
            let place = length * u128::from(number) / u128::from(self.count);
            seeds.start + u64::try_from(place).expect("a part is no longer than the whole")
        };
        edge(self.number - 1)..edge(self.number)
    }

    /// Which part it is, counted from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Of how many parts it is one.
    pub fn count(self) -> u64 {
        self.count
    }

    /// All parts of as many.
    pub fn all(count: u64) -> impl Iterator<Item = Shard> {
        (1..=count).map(move |number| Shard { number, count })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let shape = || ShardError::Shape(text.to_owned());
        let (number, count) = text.split_once('/').ok_or_else(shape)?;
        let (number, count) = (number.parse().map_err(|_| shape())?, count.parse().map_err(|_| shape())?);
        match count {
            0 => Err(shape()),
            _ if !(1..=count).contains(&number) => Err(ShardError::Range { number, count }),
            _ => Ok(Shard { number, count }),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shard, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_neighbours_and_miss_no_seed() {
        for (seeds, count) in [(0..10, 4), (5..1_000_003, 64), (0..u64::MAX, 7), (3..6, 3)] {
            let parts: Vec<Range<u64>> = Shard::all(count).map(|shard| shard.of(&seeds)).collect();
            assert_eq!((parts[0].start, parts.last().unwrap().end), (seeds.start, seeds.end));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            let lengths: Vec<u64> = parts.iter().map(|part| part.end - part.start).collect();
            assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1, "{lengths:?}");
        }
    }

    #[test]
    fn they_are_counted_from_1() {
        assert_eq!("3/64".parse::<Shard>().unwrap().to_string(), "3/64");
        for (text, says) in [
            ("0/4", "from 1 to 4"),
            ("5/4", "from 1 to 4"),
            ("4", "write I/N"),
            ("1/0", "write I/N"),
            ("a/b", "write I/N"),
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
