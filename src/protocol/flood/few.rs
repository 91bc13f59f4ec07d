//! A list that mostly holds one item, which then lies in it and is not allocated. It knows no message.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Items in order. It is compared, hashed, shown and written as a plain list is.
#[derive(Clone)]
pub struct Few<T>(Held<T>);

#[derive(Clone)]
enum Held<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// This alone.
    pub const fn one(item: T) -> Few<T> {
        Few(Held::One(item))
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Held::One(item) => std::slice::from_ref(item),
            Held::Many(items) => items,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Few<T> {
        Few(Held::Many(items))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Few<T> {
        let mut items = items.into_iter();
        match (items.next(), items.next()) {
            (Some(first), None) => Few::one(first),
            (first, second) => Few(Held::Many(first.into_iter().chain(second).chain(items).collect())),
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.0 {
            Held::One(item) => (Some(item), Vec::new()),
            Held::Many(items) => (None, items),
        };
        one.into_iter().chain(many)
    }
}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Few<T>) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: Hash> Hash for Few<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Few<T>, D::Error> {
        Vec::deserialize(deserializer).map(Few::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_of;

    #[test]
    fn it_is_compared_hashed_shown_and_written_as_a_plain_list_is() {
        for length in 0..4_u64 {
            let plain: Vec<u64> = (0..length).collect();
            let few: Few<u64> = plain.iter().copied().collect();
            assert_eq!(few, Few::from(plain.clone()));
            assert_eq!(hash_of(&few), hash_of(&plain));
            assert_eq!(format!("{few:?}"), format!("{plain:?}"));
            let json = serde_json::to_string(&few).unwrap();
            assert_eq!(json, serde_json::to_string(&plain).unwrap());
            assert_eq!(serde_json::from_str::<Few<u64>>(&json).unwrap(), few);
            assert!(few.into_iter().eq(plain));
        }
    }
}
