//! Label selectors and what they select.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{SelectorError, text};
use crate::{FieldError, Labels, Path, Value, label_value, qualified_name};

/// How a requirement compares a label's value with its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The label has this one value.
    Equals,
    /// The label is absent or has another value.
    NotEquals,
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label is a whole number greater than the value.
    GreaterThan,
    /// The label is a whole number less than the value.
    LessThan,
}

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelRequirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

impl LabelRequirement {
    /// A requirement, if its parts suit one another.
    pub fn new(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, SelectorError> {
        let invalid = |path: &str, value: Value, detail: &str| {
            Err(SelectorError::new(FieldError::invalid(&Path::new(path), value, detail).to_string()))
        };
        if let Some(detail) = qualified_name(key).first() {
            return invalid("key", key.into(), detail);
        }
        let list = || Value::from(values.clone());
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                return invalid("values", list(), "for 'in', 'notin' operators, values set can't be empty");
            }
            Operator::Equals | Operator::NotEquals if values.len() != 1 => {
                return invalid("values", list(), "exact-match compatibility requires one single value");
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                return invalid("values", list(), "values set must be empty for exists and does not exist");
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                return invalid("values", list(), "for 'Gt', 'Lt' operators, exactly one value is required");
            }
            Operator::GreaterThan | Operator::LessThan if values[0].parse::<i64>().is_err() => {
                let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                return invalid("values[0]", values[0].clone().into(), detail);
            }
            _ => {}
        }
        for (i, value) in values.iter().enumerate() {
            if let Some(detail) = label_value(value).first() {
                return invalid(&format!("values[{i}][{key}]"), value.clone().into(), detail);
            }
        }
        let mut values = values;
        values.sort();
        values.dedup();
        Ok(Self { key: key.to_owned(), operator, values })
    }

    /// The label's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How the label is compared.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// What it is compared with, sorted.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether a label with this value (`None`: absent) meets the requirement.
    pub fn matches(&self, label: Option<&str>) -> bool {
        let listed = |label: &str| self.values.iter().any(|v| v == label);
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = || self.values.first().and_then(|v| number(v));
        match (self.operator, label) {
            (Operator::Equals | Operator::In, label) => label.is_some_and(listed),
            (Operator::NotEquals | Operator::NotIn, label) => !label.is_some_and(listed),
            (Operator::Exists, label) => label.is_some(),
            (Operator::DoesNotExist, label) => label.is_none(),
            (Operator::GreaterThan, label) => label.and_then(number).zip(bound()).is_some_and(|(a, b)| a > b),
            (Operator::LessThan, label) => label.and_then(number).zip(bound()).is_some_and(|(a, b)| a < b),
        }
    }
}

impl fmt::Display for LabelRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

/// Requirements that an object's labels must all meet; without any, every object is selected.
///
/// Where the API distinguishes "no selector" (selects nothing) from an empty one, use an `Option`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSelector {
    requirements: Vec<LabelRequirement>,
}

impl LabelSelector {
    /// A selector of these requirements.
    pub fn new(requirements: impl IntoIterator<Item = LabelRequirement>) -> Self {
        let mut requirements: Vec<_> = requirements.into_iter().collect();
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements }
    }

    /// The selector of all objects.
    pub fn everything() -> Self {
        Self::default()
    }

    /// A selector of objects with these labels, as services have; the labels are taken as they are.
    pub fn of_labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        Self::new(labels.into_iter().map(|(key, value)| LabelRequirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.clone()],
        }))
    }

    /// Reads a `metav1.LabelSelector`: null (or absent) selects nothing (`None`), an empty one everything.
    pub fn from_value(value: &Value) -> Result<Option<Self>, SelectorError> {
        if !value.is_null() && !value.is_object() {
            return Err(SelectorError::new("a label selector must be an object"));
        }
        Option::<Form>::deserialize(value)
            .map_err(|e| SelectorError::new(e.to_string()))?
            .map(Self::from_form)
            .transpose()
    }

    fn from_form(form: Form) -> Result<Self, SelectorError> {
        let labels = form.match_labels.into_iter();
        let mut requirements = labels
            .map(|(k, v)| LabelRequirement::new(&k, Operator::Equals, vec![v]))
            .collect::<Result<Vec<_>, _>>()?;
        for Expression { key, operator, values } in form.match_expressions {
            let operator = match operator.as_str() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(SelectorError::new(format!(
                        "{other:?} is not a valid label selector operator"
                    )));
                }
            };
            requirements.push(LabelRequirement::new(&key, operator, values)?);
        }
        Ok(Self::new(requirements))
    }

    /// The requirements, sorted by key.
    pub fn requirements(&self) -> &[LabelRequirement] {
        &self.requirements
    }

    /// Whether every object is selected.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_with(|key| labels.get(key))
    }

    /// Whether an object whose labels this function looks up is selected.
    pub fn matches_with<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|r| r.matches(label(&r.key)))
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    /// Reads the form of the `labelSelector` query parameter: `a=b,c!=d,e in (x,y),f notin (z),!g,h,i>1`.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        text::parse(text).map(Self::new)
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

/// `metav1.LabelSelector`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    #[serde(default, deserialize_with = "null_is_empty")]
    match_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    match_expressions: Vec<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    #[serde(default)]
    key: String,
    #[serde(default)]
    operator: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    values: Vec<String>,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl<'de> Deserialize<'de> for LabelSelector {
    /// Reads a `metav1.LabelSelector` that is there; make the field an `Option` where it may be absent.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_form(Form::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a selector's text reads as, and the labels it selects and does not.
    fn check(text: &str, canonical: &str, selects: &[&[(&str, &str)]], misses: &[&[(&str, &str)]]) {
        let selector: LabelSelector = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(selector.to_string(), canonical);
        assert_eq!(canonical.parse(), Ok(selector.clone()));
        let labels =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        for pairs in selects {
            assert!(selector.matches(&labels(pairs)), "{text} should select {pairs:?}");
        }
        for pairs in misses {
            assert!(!selector.matches(&labels(pairs)), "{text} should not select {pairs:?}");
        }
    }

    #[test]
    fn texts_select() {
        check("", "", &[&[], &[("a", "b")]], &[]);
        check(" a = b ", "a=b", &[&[("a", "b"), ("x", "y")]], &[&[], &[("a", "c")]]);
        check("a==b", "a=b", &[&[("a", "b")]], &[&[]]);
        check("a!=b", "a!=b", &[&[], &[("a", "c")]], &[&[("a", "b")]]);
        check("a=", "a=", &[&[("a", "")]], &[&[], &[("a", "b")]]);
        check("z in (y,x,y)", "z in (x,y)", &[&[("z", "x")]], &[&[], &[("z", "w")]]);
        check("a notin (b)", "a notin (b)", &[&[], &[("a", "c")]], &[&[("a", "b")]]);
        check("a in (,b)", "a in (,b)", &[&[("a", "")], &[("a", "b")]], &[&[]]);
        check("!a", "!a", &[&[]], &[&[("a", "")]]);
        check("a", "a", &[&[("a", "")]], &[&[]]);
        check("a>1", "a>1", &[&[("a", "2")]], &[&[], &[("a", "1")], &[("a", "x")]]);
        check("a<10", "a<10", &[&[("a", "-9")]], &[&[("a", "10")]]);
        check("in in (in)", "in in (in)", &[&[("in", "in")]], &[&[]]);
        check(
            "x.io/b,a in (notin,in),!c",
            "a in (in,notin),!c,x.io/b",
            &[&[("a", "in"), ("x.io/b", "1")]],
            &[&[("a", "in")], &[("a", "in"), ("x.io/b", ""), ("c", "")]],
        );
    }

    #[test]
    fn broken_texts_say_why() {
        let error = |text: &str| text.parse::<LabelSelector>().unwrap_err().to_string();
        assert_eq!(
            error("a b"),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"
        );
        assert_eq!(error("a,"), "found '', expected: identifier after ','");
        assert_eq!(error("=a"), "found '=', expected: !, identifier, or 'end of string'");
        assert_eq!(error("a in x"), "unable to parse requirement: found 'x' expected: '('");
        assert_eq!(error("a in (x"), "unable to parse requirement: found '', expected: ',' or ')'");
        assert_eq!(error("!=a"), "found '!=', expected: !, identifier, or 'end of string'");
        assert_eq!(error("a=b c"), "found 'c', expected: ',' or 'end of string'");
        assert!(
            error("a>b")
                .starts_with("unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt'")
        );
        assert!(error("-a=b").starts_with("unable to parse requirement: key: Invalid value: \"-a\": "));
        assert!(error("a=b!").contains("expected"));
    }

    #[test]
    fn documents_select() {
        let of = |value: Value| LabelSelector::from_value(&value);
        assert_eq!(of(Value::Null), Ok(None));
        assert_eq!(of(json!({})), Ok(Some(LabelSelector::everything())));
        let selector = of(json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["b", "a"]},
                {"key": "old", "operator": "DoesNotExist", "values": null},
            ],
        }));
        assert_eq!(selector.unwrap().unwrap().to_string(), "app=web,!old,tier in (a,b)");
        let operator = of(json!({"matchExpressions": [{"key": "a", "operator": "Is"}]}));
        assert_eq!(operator.unwrap_err().to_string(), "\"Is\" is not a valid label selector operator");
        assert!(of(json!({"matchExpressions": [{"key": "a", "operator": "In"}]})).is_err());
        assert!(of(json!([])).is_err() && of(json!({"matchLabels": {"a": 1}})).is_err());
    }
}
