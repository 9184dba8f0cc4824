//! Mutations: of bytes, and of the JSON documents that a line of an input may be.

use crate::{Map, Value};

/// Reproducible random numbers (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        Self(name.bytes().fold(seed, |state, byte| state.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one; 0 for 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(self.below(from.len()))
    }
}

/// What every format finds hard.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "-0",
    "0",
    "-1",
    "1e400",
    "1e-7",
    "9223372036854775808",
    "-9223372036854775809",
    "1.5",
    "\"\"",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{0}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\n",
    " ",
];

pub(super) struct Mutator<'w> {
    pub(super) random: Random,
    /// What the format at hand gives a meaning.
    pub(super) words: &'w [&'w str],
}

impl Mutator<'_> {
    /// A new input from those in the pool.
    pub(super) fn next(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.random.pick(pool).cloned().unwrap_or_default();
        let other = self.random.pick(pool).cloned().unwrap_or_default();
        for _ in 0..=self.random.below(4) {
            if self.random.below(2) == 0 {
                input = self.document(&input, &other).unwrap_or(input);
            } else {
                self.bytes(&mut input, &other);
            }
        }
        input
    }

    fn word(&mut self) -> String {
        let own = self.words.len();
        let at = self.random.below(own + WORDS.len());
        self.words.get(at).or_else(|| WORDS.get(at - own)).copied().unwrap_or_default().to_owned()
    }

    /// A range of at most 64 bytes, mostly short.
    fn range(&mut self, of: &[u8]) -> std::ops::Range<usize> {
        let start = self.random.below(of.len() + 1);
        let most = [1, 4, 16, 64][self.random.below(4)].min(of.len() - start);
        start..start + self.random.below(most + 1)
    }

    fn bytes(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let range = self.range(input);
        let at = range.start;
        match self.random.below(8) {
            0 => {
                input.drain(range);
            }
            1 => {
                let word = self.word();
                input.splice(range, word.into_bytes());
            }
            2 => {
                let word = self.word();
                input.splice(at..at, word.into_bytes());
            }
            3 => {
                let from = self.range(other);
                input.splice(range, other[from].iter().copied());
            }
            4 => {
                let times = [1, 2, 10, 200][self.random.below(4)];
                let repeated = input[range.clone()].repeat(times);
                input.splice(range, repeated);
            }
            5 => input.truncate(at),
            6 if at < input.len() => input[at] ^= 1 << self.random.below(8),
            _ if at < input.len() => input[at] = self.random.next() as u8,
            _ => {}
        }
    }

    /// Mutates one line that is a JSON document; none where that line is none.
    fn document(&mut self, input: &[u8], other: &[u8]) -> Option<Vec<u8>> {
        let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let at = self.random.below(lines.len());
        let mut value: Value = serde_json::from_slice(&lines[at]).ok()?;
        let donors: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
        let donor = self.random.pick(&donors).and_then(|line| serde_json::from_slice(line).ok());
        let mut donor: Value = donor.unwrap_or_default();
        let part = self.node(&mut donor).clone();
        let target = self.node(&mut value);
        *target = self.changed(target.take(), part);
        lines[at] = serde_json::to_vec(&value).ok()?;
        Some(lines.join(&b'\n'))
    }

    /// A random value inside a value, or it itself.
    fn node<'v>(&mut self, value: &'v mut Value) -> &'v mut Value {
        let inside = match value {
            Value::Array(items) => items.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        if inside == 0 || self.random.below(4) == 0 {
            return value;
        }
        let at = self.random.below(inside);
        match value {
            Value::Array(items) => self.node(&mut items[at]),
            Value::Object(map) => match map.values_mut().nth(at) {
                Some(value) => self.node(value),
                None => unreachable!("it has that many"),
            },
            scalar => scalar,
        }
    }

    fn changed(&mut self, value: Value, part: Value) -> Value {
        let word = self.word();
        match (value, self.random.below(8)) {
            (Value::Object(mut map), 0) => {
                map.insert(word, part);
                map.into()
            }
            (Value::Object(mut map), 1 | 2) => {
                let name = map.keys().nth(self.random.below(map.len())).cloned().unwrap_or_default();
                let moved = map.remove(&name);
                if let (Some(moved), true) = (moved, self.random.below(2) == 0) {
                    map.insert(word, moved);
                }
                map.into()
            }
            (Value::Array(mut items), 0) => {
                let at = self.random.below(items.len() + 1);
                items.insert(at, part);
                items.into()
            }
            (Value::Array(mut items), 1 | 2) if !items.is_empty() => {
                items.remove(self.random.below(items.len()));
                items.into()
            }
            (value, 3) => Value::Array(vec![value]),
            (value, 4) => Map::from_iter([(word, value)]).into(),
            (value, 5) => {
                let levels = self.random.below(130);
                (0..levels).fold(value, |inner, _| Value::Array(vec![inner]))
            }
            (_, 6) => serde_json::from_str(&word).unwrap_or_else(|_| word.into()),
            (_, _) => part,
        }
    }
}
