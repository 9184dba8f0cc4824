//! Numbers with a unit, as requests, limits and capacities are written: `100m`, `1.5Gi`, `2e3`.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use parse::QuantityError;

mod parse;

/// Billionths in one: the smallest step that a quantity has.
const NANOS: i128 = 1_000_000_000;
/// Larger numbers are cut to this many nanos, both ways: 2^63 - 1 whole units.
const MAX: i128 = i64::MAX as i128 * NANOS;

/// Suffixes by power of ten.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// Suffixes by power of two.
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// How a quantity is written; kept from the text it was read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Format {
    /// Suffixes of thousands.
    #[default]
    Decimal,
    /// Suffixes of 1024.
    Binary,
    /// Powers of ten: `12e6`.
    Exponent,
}

/// A number with a unit, exact to a billionth. Compares by value: `1000m` equals `1`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, format: Format::Decimal };

    /// A whole number, written with decimal suffixes.
    pub fn from_value(value: i64) -> Self {
        Self { nanos: i128::from(value) * NANOS, format: Format::Decimal }
    }

    /// Thousandths, written with decimal suffixes.
    pub fn from_milli(milli: i64) -> Self {
        Self { nanos: i128::from(milli) * (NANOS / 1000), format: Format::Decimal }
    }

    /// A whole number, written with binary suffixes: bytes.
    pub fn from_bytes(bytes: i64) -> Self {
        Self { format: Format::Binary, ..Self::from_value(bytes) }
    }

    /// The value in whole units, rounded up (away from zero).
    pub fn value(self) -> i64 {
        clamp(round_up(self.nanos, NANOS))
    }

    /// The value in thousandths, rounded up (away from zero).
    pub fn milli_value(self) -> i64 {
        clamp(round_up(self.nanos, NANOS / 1000))
    }

    /// The value as a floating-point number, which may be inexact.
    pub fn to_f64(self) -> f64 {
        self.nanos as f64 / NANOS as f64
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    fn with(self, nanos: i128) -> Self {
        Self { nanos: nanos.clamp(-MAX, MAX), ..self }
    }

    /// The format of a sum: the left one's, unless that is zero.
    fn format_with(self, other: Self) -> Self {
        if self.is_zero() { Self { nanos: 0, ..other } } else { self }
    }
}

/// Divides and rounds away from zero.
fn round_up(value: i128, divisor: i128) -> i128 {
    value / divisor + (value % divisor).signum()
}

fn clamp(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format {
            // below one binary unit, and where a fraction would be lost, thousands are shown
            Format::Binary if self.nanos.abs() >= 1024 * NANOS && self.nanos % NANOS == 0 => {
                let value = self.nanos / NANOS;
                let (suffix, power) = BINARY
                    .iter()
                    .rev()
                    .find(|(_, power)| value % (1i128 << power) == 0)
                    .map_or(("", 0), |(suffix, power)| (*suffix, *power));
                write!(f, "{}{suffix}", value >> power)
            }
            Format::Exponent => {
                let (value, power) = self.reduced();
                if power == 0 { write!(f, "{value}") } else { write!(f, "{value}e{power}") }
            }
            _ => {
                let (value, power) = self.reduced();
                let suffix = DECIMAL.iter().find(|(_, p)| *p == power).map_or("", |(suffix, _)| suffix);
                write!(f, "{value}{suffix}")
            }
        }
    }
}

impl Quantity {
    /// The value as a whole number times ten to the largest power that is a multiple of three.
    fn reduced(self) -> (i128, i32) {
        if self.nanos == 0 {
            return (0, 0);
        }
        let (mut value, mut power) = (self.nanos, -9);
        while value % 1000 == 0 && power < 18 {
            value /= 1000;
            power += 3;
        }
        (value, power)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.format_with(other).with(self.nanos + other.nanos)
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.format_with(other).with(self.nanos - other.nanos)
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        self.with(-self.nanos)
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    /// Text, or a bare number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match crate::Value::deserialize(deserializer)? {
            crate::Value::String(text) => text.parse().map_err(D::Error::custom),
            crate::Value::Number(number) => number.to_string().parse().map_err(D::Error::custom),
            _ => Err(D::Error::custom(QuantityError::Format)),
        }
    }
}

#[cfg(test)]
mod tests;
