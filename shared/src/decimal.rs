//! Decimal numbers, compared without rounding.

/// A decimal number in normal form: its digits without zeros at either end, and the power of ten of
/// its first digit. Two texts are the same number if and only if their normal forms are equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decimal {
    is_negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    /// Parses a number in JSON notation. A text with leading zeros, such as `0012`, is not a
    /// number. Exports call it for many cells, so it is compiled with their code, for speed.
    #[inline]
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit());
        if whole.is_empty() || !all_digits || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let written = format!("{whole}{fraction}");
        let significant = written.trim_start_matches('0');
        let leading_zeros = i64::try_from(written.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, power: 0 });
        }
        let power = i64::try_from(whole.len()).ok()? - 1 - leading_zeros + i64::from(exponent);
        Some(Self { is_negative, digits, power })
    }

    /// Whether the number is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The number of digits without zeros at either end; 0 for zero.
    #[must_use]
    pub fn significant_digits(&self) -> usize {
        self.digits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_in_every_notation() {
        for [one, other] in [
            ["0", "-0.00"],
            ["1", "1.0"],
            ["1200", "1.2e3"],
            ["0.0012", "12E-4"],
            ["-15", "-1.5e+1"],
            ["100000000000000000000", "1e20"],
        ] {
            assert_eq!(Decimal::parse(one).unwrap(), Decimal::parse(other).unwrap(), "{one}");
        }
        for [one, other] in [["1", "-1"], ["1", "10"], ["0.1", "0.10000000000000001"], ["1", "0"]] {
            assert_ne!(Decimal::parse(one).unwrap(), Decimal::parse(other).unwrap(), "{one}");
        }
        assert_eq!(Decimal::parse("0.01200").unwrap().significant_digits(), 2);
        assert!(Decimal::parse("0e5").unwrap().is_zero());
    }

    #[test]
    fn other_texts_are_not_numbers() {
        for text in ["", "-", "0012", "1.", ".5", "+1", "1e", "1e99999999999", "1,5", "NaN", "١"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
