//! A list of values that is cheap to copy: all but its end lies in blocks that its copies share.
//!
//! What a node answers to a read is such a copy of what it has: a run's history holds thousands of them, each as long
//! as the set was. It knows no set and no node.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Value;

/// So many values lie in a block.
const BLOCK: usize = 64;

/// Values in order. It is compared, hashed, shown and written as a plain list is.
#[derive(Clone, Default)]
pub struct ValueList(Arc<Parts>);

#[derive(Default)]
struct Parts {
    /// All full.
    blocks: Vec<Arc<[Value]>>,
    /// Fewer than fill a block.
    rest: Vec<Value>,
}

impl ValueList {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.blocks.len() * BLOCK + self.0.rest.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.blocks().flatten()
    }

    /// Whether a value is among them. Costs a look at each.
    pub fn contains(&self, value: &Value) -> bool {
        self.iter().any(|other| other == value)
    }

    /// The values in consecutive slices, of which all but the last are full. One that two lists share is one in memory.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[Value]> {
        self.0.blocks.iter().map(|block| &**block).chain([&*self.0.rest])
    }
}

/// The blocks of a list that only ever grows, made when a copy of it is first asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks(Vec<Arc<[Value]>>);

impl Blocks {
    /// A copy of all `values`, which begin with those of the last time.
    pub(super) fn list<'a>(&mut self, values: impl ExactSizeIterator<Item = &'a Value>) -> ValueList {
        let full = values.len() / BLOCK;
        let mut new = values.skip(self.0.len() * BLOCK);
        while self.0.len() < full {
            self.0.push(new.by_ref().take(BLOCK).cloned().collect());
        }
        ValueList(Arc::new(Parts { blocks: self.0.clone(), rest: new.cloned().collect() }))
    }
}

impl FromIterator<Value> for ValueList {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> ValueList {
        let values: Vec<Value> = values.into_iter().collect();
        Blocks::default().list(values.iter())
    }
}

impl fmt::Debug for ValueList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for ValueList {
    fn eq(&self, other: &ValueList) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ValueList {}

impl Hash for ValueList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.blocks().for_each(|block| Value::hash_slice(block, state));
    }
}

impl Serialize for ValueList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ValueList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ValueList, D::Error> {
        Vec::<Value>::deserialize(deserializer).map(|values| values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_of;

    #[test]
    fn it_is_shown_written_and_hashed_as_a_plain_list_is() {
        for length in [0, 1, 63, 64, 65, 200] {
            let plain: Vec<Value> = (0..length).map(Value::from).collect();
            let list: ValueList = plain.iter().cloned().collect();
            assert_eq!(list.len(), plain.len());
            assert!(list.iter().eq(&plain));
            assert_eq!(format!("{list:?}"), format!("{plain:?}"));
            assert_eq!(hash_of(&list), hash_of(&plain));
            let json = serde_json::to_string(&list).unwrap();
            assert_eq!(json, serde_json::to_string(&plain).unwrap());
            assert_eq!(serde_json::from_str::<ValueList>(&json).unwrap(), list);
        }
    }

    #[test]
    fn copies_of_what_grows_share_their_blocks() {
        let (mut blocks, mut values) = (Blocks::default(), Vec::new());
        let mut copy = |values: &[Value]| blocks.list(values.iter());
        values.extend((0..130).map(Value::from));
        let first = copy(&values);
        values.extend((130..140).map(Value::from));
        let second = copy(&values);
        assert!(second.iter().eq(&values) && first.len() == 130);
        let shared = first.blocks().zip(second.blocks()).filter(|(a, b)| std::ptr::eq(*a, *b));
        assert_eq!(shared.count(), 2);
    }
}
