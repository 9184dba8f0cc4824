//! Numbers with a check digit.

/// The digits of a number that a card of a known kind has, with anything between them; the last one checks them (Luhn).
pub(super) fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let places = digits.iter().rev().enumerate();
    let sum: u32 = places.map(|(i, digit)| if i % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    is_card(&digits) && sum.is_multiple_of(10)
}

/// Whether a card may have such a number.
fn is_card(digits: &[u32]) -> bool {
    let begins = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    match digits.len() {
        13 => begins(1) == 4,
        14 => matches!(begins(3), 300..=305) || matches!(begins(2), 36 | 38),
        15 => matches!(begins(2), 34 | 37) || matches!(begins(4), 2131 | 1800),
        16 => {
            let known = matches!(begins(2), 51..=55 | 35) || begins(1) == 4;
            known || begins(4) == 6011 || begins(2) == 65
        }
        _ => false,
    }
}

/// A number without the hyphens and spaces that group it.
fn ungrouped(text: &str) -> Vec<u8> {
    text.bytes().filter(|b| !matches!(b, b'-' | b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')).collect()
}

pub(super) fn is_isbn10(text: &str) -> bool {
    let text = ungrouped(text);
    let digit = |(i, b): (usize, &u8)| match b {
        b'0'..=b'9' => Some(u32::from(b - b'0')),
        b'X' if i == 9 => Some(10),
        _ => None,
    };
    let digits: Option<Vec<u32>> = text.iter().enumerate().map(digit).collect();
    let sum = |digits: Vec<u32>| digits.iter().zip(1..).map(|(digit, place)| digit * place).sum::<u32>();
    text.len() == 10 && digits.is_some_and(|digits| sum(digits).is_multiple_of(11))
}

pub(super) fn is_isbn13(text: &str) -> bool {
    let text = ungrouped(text);
    let weighted = |(i, b): (usize, &u8)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 };
    let is_number = text.len() == 13 && text.iter().all(u8::is_ascii_digit);
    is_number && text.iter().enumerate().map(weighted).sum::<u32>().is_multiple_of(10)
}

/// `111-22-3333`, or with spaces.
pub(super) fn is_ssn(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| match i {
        3 | 6 => matches!(b, b'-' | b' '),
        _ => b.is_ascii_digit(),
    };
    text.len() == 11 && text.bytes().enumerate().all(shape)
}
