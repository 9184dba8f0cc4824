//! From text to quantities.

use std::str::FromStr;

use super::{BINARY, DECIMAL, Format, MAX, NANOS, Quantity, round_up};

/// Why a text is no quantity; the messages are the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It does not look like one.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// It looks like one, but has a suffix that does not exist.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

impl QuantityError {
    /// What is wrong with a suffix that does not exist.
    fn of_suffix(suffix: &str) -> Self {
        let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        if digits.bytes().all(|b| b.is_ascii_digit()) { Self::Suffix } else { Self::Format }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return Err(QuantityError::Format);
        }
        let (scale, format) = Scale::of(suffix).ok_or_else(|| QuantityError::of_suffix(suffix))?;
        let nanos = scale.nanos(whole, fraction);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, format })
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i32),
    Two(u32),
}

impl Scale {
    fn of(suffix: &str) -> Option<(Self, Format)> {
        if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
            return Some((Self::Ten(*power), Format::Decimal));
        }
        if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            return Some((Self::Two(*power), Format::Binary));
        }
        let exponent = suffix.strip_prefix(['e', 'E'])?;
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // beyond this every number is cut or zero
        let power =
            exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
        Some((Self::Ten(power.clamp(-100_000, 100_000) as i32), Format::Exponent))
    }

    /// `whole.fraction` times this scale in nanos, rounded up and cut at the largest value.
    fn nanos(self, whole: &str, fraction: &str) -> i128 {
        let power = match self {
            Self::Ten(power) => power + 9,
            Self::Two(_) => 9,
        };
        let (digits, inexact) = shifted(whole, fraction, i64::from(power));
        let (Some(value), Self::Two(bits)) = (digits, self) else {
            return digits.map_or(MAX, |d| (d + i128::from(inexact)).min(MAX));
        };
        binary(value, bits, fraction)
    }
}

/// The number's digits with the decimal point moved right by `places`: the whole part, and whether a fraction
/// is left; no value where it is beyond the largest.
fn shifted(whole: &str, fraction: &str, places: i64) -> (Option<i128>, bool) {
    let digits = whole.bytes().chain(fraction.bytes());
    let total = (whole.len() + fraction.len()) as i64;
    let wanted = whole.len() as i64 + places;
    let (mut value, mut inexact) = (Some(0i128), false);
    for (i, digit) in digits.enumerate() {
        if (i as i64) < wanted {
            value = push(value, digit - b'0');
        } else {
            inexact |= digit != b'0';
        }
    }
    for _ in total..wanted {
        value = push(value, 0);
        if value.is_none_or(|v| v == 0) {
            break;
        }
    }
    (value, inexact)
}

fn push(value: Option<i128>, digit: u8) -> Option<i128> {
    value.map(|v| v * 10 + i128::from(digit)).filter(|v| *v <= MAX)
}

/// A number times a power of two, rounded up to a nano; `nanos` is the number in nanos, rounded down.
fn binary(nanos: i128, bits: u32, fraction: &str) -> i128 {
    let units = nanos / NANOS;
    if units > i128::from(i64::MAX) >> bits {
        return MAX;
    }
    // 18 digits times 2^60 fit; later digits are below a nano of the largest unit and only round up
    let kept = &fraction[..fraction.len().min(18)];
    let parts = kept.bytes().fold(0i128, |v, digit| v * 10 + i128::from(digit - b'0'));
    let rest = fraction[kept.len()..].bytes().any(|digit| digit != b'0');
    let unit = 10i128.pow(kept.len() as u32);
    let scaled = parts << bits;
    let below = round_up(scaled % unit * NANOS + i128::from(rest), unit);
    (((units << bits) + scaled / unit) * NANOS + below).min(MAX)
}
