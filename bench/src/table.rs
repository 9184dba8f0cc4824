//! The printed table: one row a figure, printed as soon as it is known.

use crate::benchmarks::Benchmark;
use crate::stats::Spread;

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Mebibytes,
    PerSecond,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => " ms",
            Unit::Microseconds => " µs",
            Unit::Mebibytes => " MiB",
            Unit::PerSecond => "/s",
        }
    }
}

/// What stands beside a figure.
enum Reference {
    /// There is nothing comparable.
    None,
    /// There would be, but it is not on this machine.
    Missing(&'static str),
    Measured(&'static str, f64),
}

/// One figure.
pub(crate) struct Row {
    what: String,
    figure: Option<f64>,
    unit: Unit,
    reference: Reference,
    conditions: String,
}

impl Row {
    /// A figure of its own.
    pub(crate) fn new(what: impl Into<String>, figure: f64, unit: Unit) -> Row {
        Row {
            what: what.into(),
            figure: Some(figure),
            unit,
            reference: Reference::None,
            conditions: String::new(),
        }
    }

    /// The median of several, with the extremes among the conditions.
    pub(crate) fn spread(what: impl Into<String>, figures: &Spread, unit: Unit) -> Row {
        Row::new(what, figures.median, unit).conditions(figures.describe())
    }

    /// A row that has only a reference.
    pub(crate) fn only_reference(what: impl Into<String>, unit: Unit) -> Row {
        Row { what: what.into(), figure: None, unit, reference: Reference::None, conditions: String::new() }
    }

    /// Puts the reference's figure beside it, or says that the reference is not installed.
    pub(crate) fn beside(mut self, name: &'static str, figure: Option<f64>) -> Row {
        self.reference = figure.map_or(Reference::Missing(name), |f| Reference::Measured(name, f));
        self
    }

    /// Adds to the conditions.
    pub(crate) fn conditions(mut self, text: impl AsRef<str>) -> Row {
        if !self.conditions.is_empty() && !text.as_ref().is_empty() {
            self.conditions.push_str("; ");
        }
        self.conditions.push_str(text.as_ref());
        self
    }

    /// Prints the row.
    pub(crate) fn print(self) {
        let show = |value: f64| format!("{}{}", number(value), self.unit.name());
        let figure = self.figure.map_or_else(|| "-".to_owned(), show);
        let (reference, ratio) = match self.reference {
            Reference::None => ("-".to_owned(), "-".to_owned()),
            Reference::Missing(name) => (format!("{name}: not installed"), "-".to_owned()),
            Reference::Measured(name, value) => {
                let ratio = self.figure.filter(|_| value > 0.0).map(|f| number(f / value));
                (format!("{name} {}", show(value)), ratio.unwrap_or_else(|| "-".to_owned()))
            }
        };
        line(&self.what, &figure, &reference, &ratio, &self.conditions);
    }
}

/// Prints the heads of the columns.
pub(crate) fn header() {
    line("what", "figure", "reference", "ratio", "conditions");
}

/// Prints what the next rows are about.
pub(crate) fn section(benchmark: &Benchmark) {
    println!("\n{}: {}", benchmark.name, benchmark.about);
}

/// Prints why the benchmark has no more rows.
pub(crate) fn failure(error: &anyhow::Error) {
    println!("  FAILED: {error:#}");
}

/// Prints why the benchmark has no rows on this machine.
pub(crate) fn skipped(why: &str) {
    println!("  not measured: {why}");
}

fn line(what: &str, figure: &str, reference: &str, ratio: &str, conditions: &str) {
    println!("  {what:<42} {figure:>12}  {reference:<22} {ratio:>6}  {conditions}");
}

/// Three significant digits or all before the point, with thousands apart; a question mark for what is not known.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        return "?".to_owned();
    }
    let magnitude = value.abs();
    let decimals = if magnitude >= 99.95 {
        0
    } else if magnitude >= 9.995 {
        1
    } else {
        2
    };
    let plain = format!("{value:.decimals$}");
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers() {
        let shown: Vec<String> =
            [0.0, 1.234, 12.34, 123.4, 1234.5, 1_234_567.0, -1234.0, 99.96, f64::NAN].map(number).into();
        assert_eq!(shown, ["0.00", "1.23", "12.3", "123", "1,234", "1,234,567", "-1,234", "100", "?"]);
    }
}
