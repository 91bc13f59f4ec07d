//! The project's hasher: the same answer on every machine and in every build.
//!
//! Every integer is absorbed as one 64-bit word (128-bit ones as two), text in little-endian words with its length.
//! It serves digests, keyed lookups and fingerprints; it does not resist an attacker.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Multiplies to 128 bits and folds the halves together: the mixing step of this project's hashes and keys.
#[inline]
pub(crate) const fn fold(word: u64) -> u64 {
    let product = (word as u128) * 0xA076_1D64_78BD_642F_u128;
    (product as u64) ^ (product >> 64) as u64
}

/// A bijection of 64-bit words that spreads every input bit over all output bits (Stafford's variant 13).
#[inline]
pub(crate) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A deterministic [`Hasher`].
pub type WordHasher = Words<u64>;

/// Builds [`WordHasher`]s for index maps.
pub type BuildWordHasher = BuildHasherDefault<WordHasher>;

/// Two hashers that take in the same at once. Each word of a hash waits for the one before, but not for the other's.
pub(crate) type Twins = Words<(u64, u64)>;

/// A hasher that absorbs words into one hash, or into two at once.
#[derive(Clone, Debug)]
pub struct Words<C>(C);

/// The 64-bit hash of a value, the same everywhere.
pub fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = WordHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Default for WordHasher {
    fn default() -> WordHasher {
        Words(0x9E37_79B9_7F4A_7C15)
    }
}

impl Twins {
    /// Both go on from where they are.
    pub(crate) fn new(one: &WordHasher, other: &WordHasher) -> Twins {
        Words((one.0, other.0))
    }

    /// Both hashes.
    pub(crate) fn finish_both(&self) -> (u64, u64) {
        (self.0.0.made(), self.0.1.made())
    }
}

/// A hash in the making.
pub(crate) trait Chain {
    fn absorb(&mut self, word: u64);
    fn made(&self) -> u64;
}

impl Chain for u64 {
    #[inline]
    fn absorb(&mut self, word: u64) {
        *self = fold(self.rotate_left(23) ^ word);
    }
    #[inline]
    fn made(&self) -> u64 {
        mix(*self)
    }
}

impl Chain for (u64, u64) {
    #[inline]
    fn absorb(&mut self, word: u64) {
        self.0.absorb(word);
        self.1.absorb(word);
    }
    #[inline]
    fn made(&self) -> u64 {
        self.0.made()
    }
}

impl<C: Chain> Hasher for Words<C> {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.made()
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
        self.write_u64(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }
    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }
    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0.absorb(word);
    }
    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.write_u64(word as u64);
        self.write_u64((word >> 64) as u64);
    }
    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
    #[inline]
    fn write_i8(&mut self, word: i8) {
        self.write_i64(word.into());
    }
    #[inline]
    fn write_i16(&mut self, word: i16) {
        self.write_i64(word.into());
    }
    #[inline]
    fn write_i32(&mut self, word: i32) {
        self.write_i64(word.into());
    }
    #[inline]
    fn write_i64(&mut self, word: i64) {
        self.write_u64(word as u64);
    }
    #[inline]
    fn write_i128(&mut self, word: i128) {
        self.write_u128(word as u128);
    }
    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.write_i64(word as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_hashes_hold_on_every_machine() {
        let golden = [
            hash_of(&0_u64),
            hash_of(&1_u32),
            hash_of(&-1_i8),
            hash_of("rumour"),
            hash_of(&(1_u8, [2_u64, 3])),
        ];
        expect_test::expect![
            "[ce08772110085e0c, 54a1d0a3d3dbd27e, 33e10187baea3250, 51cb872ab90c0287, f8ee55bd0b1361b3]"
        ]
        .assert_eq(&format!("{golden:016x?}"));
    }

    #[test]
    fn an_integer_hashes_the_same_at_every_width() {
        assert_eq!(hash_of(&7_u8), hash_of(&7_u64));
        assert_eq!(hash_of(&7_usize), hash_of(&7_u64));
        assert_eq!(hash_of(&-7_i8), hash_of(&-7_i64));
    }

    #[test]
    fn close_inputs_lie_far_apart() {
        for bit in 0..64 {
            let distance = (hash_of(&12_345_u64) ^ hash_of(&(12_345_u64 ^ (1 << bit)))).count_ones();
            assert!((12..=52).contains(&distance), "flipping bit {bit} changed {distance} bits");
        }
    }
}
