use proptest::prelude::*;

use super::*;

fn check(text: &str, canonical: &str, value: i64, milli: i64) {
    let quantity: Quantity = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(
        (quantity.to_string().as_str(), quantity.value(), quantity.milli_value()),
        (canonical, value, milli),
        "{text}"
    );
}

#[test]
fn canonical_texts_and_rounding() {
    check("0", "0", 0, 0);
    check("1000m", "1", 1, 1000);
    check("0.5", "500m", 1, 500);
    check("100m", "100m", 1, 100);
    check("1.5Gi", "1536Mi", 1_610_612_736, 1_610_612_736_000);
    check("1024Mi", "1Gi", 1 << 30, 1000 << 30);
    check("0.5Ki", "512", 512, 512_000);
    check("0.5Mi", "512Ki", 1 << 19, 1000 << 19);
    check("1023", "1023", 1023, 1_023_000);
    check("1000k", "1M", 1_000_000, 1_000_000_000);
    check("1e3", "1e3", 1000, 1_000_000);
    check("12E6", "12e6", 12_000_000, 12_000_000_000);
    check("1E", "1E", 1_000_000_000_000_000_000, i64::MAX);
    check("1e-3", "1e-3", 1, 1);
    check("1n", "1n", 1, 1);
    check("1500u", "1500u", 1, 2);
    check("-1.5", "-1500m", -2, -1500);
    check("0.1Gi", "107374182400m", 107_374_183, 107_374_182_400);
    check("+3", "3", 3, 3000);
    check(".5", "500m", 1, 500);
    check("5.", "5", 5, 5000);
    check("0.0000000001", "1n", 1, 1);
    check("128974848", "128974848", 128_974_848, 128_974_848_000);
}

#[test]
fn what_is_too_large_is_cut() {
    for text in ["1e100", "99999999999999999999", "100Ei", "9e99999999999"] {
        assert_eq!(text.parse::<Quantity>().unwrap().value(), i64::MAX, "{text}");
    }
    assert_eq!("1e-99999999999".parse::<Quantity>().unwrap().to_string(), "1e-9");
    assert!("0e99999999999".parse::<Quantity>().unwrap().is_zero());
}

#[test]
fn what_is_no_quantity() {
    for text in ["", "m", "1x", "1 Gi", "1.2.3", "--1", "1gi", "0x1", ".", "1Gi ", "é"] {
        assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Format), "{text}");
    }
    for text in ["1K", "1mi", "1e", "1e+", "1eE", "1m3"] {
        assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Suffix), "{text}");
    }
}

#[test]
fn sums_keep_the_format_of_the_left() {
    let sum = |a: &str, b: &str| (a.parse::<Quantity>().unwrap() + b.parse().unwrap()).to_string();
    assert_eq!(sum("1Gi", "512Mi"), "1536Mi");
    assert_eq!(sum("0", "1Gi"), "1Gi");
    assert_eq!(sum("100m", "1"), "1100m");
    assert!("1Gi".parse::<Quantity>().unwrap() > "1G".parse().unwrap());
    assert_eq!("1".parse::<Quantity>(), "1000m".parse());
}

const SUFFIXES: &str = "|n|u|m|k|M|G|T|Ki|Mi|Gi|Ti|e3|e-2";

proptest! {
    #[test]
    fn any_text_parses_or_fails(text in "[+-]?[0-9.]{0,30}[eEinumkKMGTP+0-9-]{0,12}") {
        if let Ok(quantity) = text.parse::<Quantity>() {
            let again: Quantity = quantity.to_string().parse().unwrap();
            prop_assert_eq!(again.to_string(), quantity.to_string());
        }
    }

    #[test]
    fn canonical_text_is_stable(number in "-?[0-9]{1,6}(\\.[0-9]{1,3})?", suffix in SUFFIXES) {
        let quantity: Quantity = format!("{number}{suffix}").parse().unwrap();
        let text = quantity.to_string();
        let again: Quantity = text.parse().unwrap();
        prop_assert_eq!(again, quantity);
        prop_assert_eq!(again.to_string(), text);
    }
}
