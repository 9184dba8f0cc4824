//! Requirements on labels: node selectors and label selectors in one form that can be compared and hashed.

use serde::Deserialize;

pub use object::Labels;

/// How a requirement reads a label's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label is a whole number greater than the one value.
    Gt,
    /// The label is a whole number less than the one value.
    Lt,
}

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How its value is read.
    pub operator: Operator,
    /// The values.
    #[serde(default)]
    pub values: Vec<String>,
}

impl Requirement {
    /// The label is there with exactly this value.
    pub fn equals(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), operator: Operator::In, values: vec![value.into()] }
    }

    /// Whether a label of this value (none: absent) satisfies the requirement.
    pub fn accepts(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|v| v == value);
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => self.compare(value, |label, bound| label > bound),
            Operator::Lt => self.compare(value, |label, bound| label < bound),
        }
    }

    fn compare(&self, value: Option<&str>, holds: fn(i64, i64) -> bool) -> bool {
        let label = value.and_then(|v| v.parse().ok());
        let bound = self.values.first().and_then(|v| v.parse().ok());
        matches!((label, bound), (Some(label), Some(bound)) if holds(label, bound))
    }
}

/// Requirements that must all hold; none of them selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|r| r.accepts(labels.get(&r.key)))
    }

    /// A (key, value) that every selected object has, if the requirements name one.
    pub fn anchor(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|r| match (r.operator, r.values.as_slice()) {
            (Operator::In, [value]) => Some((r.key.as_str(), value.as_str())),
            _ => None,
        })
    }
}

/// `metav1.LabelSelector` as documents have it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LabelSelectorDoc {
    match_labels: Labels,
    match_expressions: Vec<Requirement>,
}

impl From<LabelSelectorDoc> for Selector {
    fn from(doc: LabelSelectorDoc) -> Self {
        let labels = doc.match_labels.iter().map(|(key, value)| Requirement::equals(key, value));
        let mut all: Vec<Requirement> = labels.chain(doc.match_expressions).collect();
        all.sort();
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::{Operator, Requirement};

    #[test]
    fn operators() {
        let cases = [
            (Operator::In, &["a", "b"][..], Some("b"), true),
            (Operator::In, &["a"], None, false),
            (Operator::NotIn, &["a"], None, true),
            (Operator::NotIn, &["a"], Some("a"), false),
            (Operator::Exists, &[], Some(""), true),
            (Operator::DoesNotExist, &[], None, true),
            (Operator::Gt, &["4"], Some("5"), true),
            (Operator::Gt, &["4"], Some("4"), false),
            (Operator::Lt, &["4"], Some("x"), false),
            (Operator::Lt, &["4"], None, false),
        ];
        for (operator, values, label, expected) in cases {
            let values = values.iter().map(|v| v.to_string()).collect();
            let requirement = Requirement { key: "k".into(), operator, values };
            assert_eq!(requirement.accepts(label), expected, "{requirement:?} on {label:?}");
        }
    }
}
