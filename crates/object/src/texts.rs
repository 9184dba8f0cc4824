//! Several texts, and labels, in little memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Texts in order, in two allocations however many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: Box<str>,
    /// Where each text ends in `text`.
    ends: Box<[u32]>,
}

impl Texts {
    /// The texts together are shorter than 4 GiB, as parts of a document are; what is beyond reads as empty.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for one in texts {
            text.push_str(one);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at this place.
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(self.text.get(start as usize..end as usize).unwrap_or_default())
    }

    /// What they take in memory, in bytes.
    pub fn size(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }
}

/// Labels or annotations: texts by name, in order of their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Labels(Texts);

impl Labels {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.0.get(2 * middle)?.cmp(name) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return self.0.get(2 * middle + 1),
            }
        }
        None
    }

    /// Whether there is a value of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |place| self.0.get(place).unwrap_or_default();
        (0..self.len()).map(move |place| (text(2 * place), text(2 * place + 1)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they take in memory, in bytes.
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// The same as a map, to be changed.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// Of several values of a name the last stands.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        labels.reverse();
        labels.dedup_by(|earlier, last| earlier.0.as_ref() == last.0.as_ref());
        let texts = labels.iter().rev().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]);
        Self(Texts::new(texts))
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> From<[(N, V); COUNT]> for Labels {
    fn from(labels: [(N, V); COUNT]) -> Self {
        labels.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Vec::new();
                while let Some(label) = map.next_entry::<String, String>()? {
                    labels.push(label);
                }
                Ok(labels.into_iter().collect())
            }
        }

        input.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_had_by_its_place() {
        let texts = Texts::new(["a", "", "ö\0", ""].into_iter());
        assert_eq!([0, 1, 2, 3].map(|place| texts.get(place).unwrap()), ["a", "", "ö\0", ""]);
        assert_eq!((texts.get(4), texts.len(), texts.size()), (None, 4, 4 + 16));
        assert_eq!(Texts::new([].into_iter()), Texts::default());
    }

    #[test]
    fn labels_are_found_by_name() {
        let labels: Labels = serde_json::from_str(r#"{"b":"2","a":"1","c":"\u0041","b":"3"}"#).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3"), ("c", "A")]);
        assert_eq!(
            ["a", "b", "c", "", "d"].map(|name| labels.get(name)),
            [Some("1"), Some("3"), Some("A"), None, None]
        );
        assert_eq!(labels.to_map().into_iter().collect::<Labels>(), labels);
        assert!(serde_json::from_str::<Labels>(r#"{"a":1}"#).is_err());
        assert!(serde_json::from_str::<Labels>("{}").unwrap().is_empty());
    }
}
