//! Kubernetes quantities (`500m`, `512Mi`, `1e3`): amount, order and the one way to write an amount.
//!
//! Source: apimachinery `pkg/api/resource`. Amounts are kept in billionths, the finest that
//! Kubernetes knows; what is finer is rounded away from zero, as there.

use std::cmp::Ordering;
use std::fmt;

/// An amount and the family of suffixes that it was written in. Made only by parsing.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// Why a text is no quantity that kubeOP can compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text does not follow the grammar.
    #[error("is not a quantity (a number, then nothing or one of n u m k M G T P E Ki Mi Gi Ti Pi Ei)")]
    Unreadable,
    /// The amount is beyond about 10^29 or the exponent beyond 40.
    #[error("is too large or too small")]
    OutOfRange,
}

const NANO: i128 = 1_000_000_000;
const MAX_EXPONENT: i32 = 40;
/// Kubernetes caps amounts with a binary suffix.
const BINARY_MAX: i128 = i64::MAX as i128;
const DECIMAL: [(&str, i32); 10] = [
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("", 0),
    ("m", -3),
    ("u", -6),
    ("n", -9),
];
const BINARY: [(&str, u32); 6] = [
    ("Ei", 60),
    ("Pi", 50),
    ("Ti", 40),
    ("Gi", 30),
    ("Mi", 20),
    ("Ki", 10),
];

impl Quantity {
    /// Reads a quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (text.is_empty()) {
            return Err(QuantityError::Unreadable);
        }
        let (format, scale) = Scale::of(suffix)?;
        let magnitude = scale.nanos(whole, fraction)?;
        let nanos = if text.starts_with('-') {
            -magnitude
        } else {
            magnitude
        };
        Ok(Self { nanos, format })
    }

    /// One text for each amount, whatever it was written as: the shorter of its decimal and its binary form.
    /// So `1Gi` and `1073741824` are one, and so are `1e3` and `1k`.
    #[must_use]
    pub fn shortest(&self) -> String {
        let written = |format| {
            let nanos = self.nanos;
            Self { nanos, format }.to_string()
        };
        let (decimal, binary) = (written(Format::Decimal), written(Format::Binary));
        let readable = self.nanos.abs() <= BINARY_MAX * NANO;
        if readable && binary.len() < decimal.len() {
            binary
        } else {
            decimal
        }
    }
}

enum Scale {
    Ten(i32),
    Two(u32),
}

impl Scale {
    fn of(suffix: &str) -> Result<(Format, Self), QuantityError> {
        if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
            return Ok((Format::Decimal, Self::Ten(*power)));
        }
        if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            return Ok((Format::Binary, Self::Two(*power)));
        }
        let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Unreadable)?;
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(QuantityError::Unreadable);
        }
        match exponent.parse::<i32>() {
            Ok(power) if power.abs() <= MAX_EXPONENT => Ok((Format::Exponent, Self::Ten(power))),
            _ => Err(QuantityError::OutOfRange),
        }
    }

    /// `whole.fraction` times this scale, in billionths, rounded up.
    fn nanos(&self, whole: &str, fraction: &str) -> Result<i128, QuantityError> {
        let fraction = fraction.trim_end_matches('0');
        let places = i32::try_from(fraction.len()).map_err(|_| QuantityError::OutOfRange)?;
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(0);
        }
        let mantissa: i128 = digits.parse().map_err(|_| QuantityError::OutOfRange)?;
        let (mantissa, power) = match self {
            Self::Ten(power) => (Some(mantissa), power - places + 9),
            Self::Two(power) => (mantissa.checked_mul(1_i128 << power), 9 - places),
        };
        let mantissa = mantissa.ok_or(QuantityError::OutOfRange)?;
        let Some(factor) = 10_i128.checked_pow(power.unsigned_abs()) else {
            // Smaller than any divisor of ours: rounded up to the least amount there is.
            return if power < 0 {
                Ok(1)
            } else {
                Err(QuantityError::OutOfRange)
            };
        };
        let nanos = if power >= 0 {
            mantissa.checked_mul(factor).ok_or(QuantityError::OutOfRange)?
        } else {
            mantissa / factor + i128::from(mantissa % factor != 0)
        };
        Ok(match self {
            Self::Ten(_) => nanos,
            Self::Two(_) => nanos.min(BINARY_MAX * NANO),
        })
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

/// The canonical form: the largest suffix that leaves an integer.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.nanos % NANO == 0;
        let units = self.nanos / NANO;
        if self.nanos == 0 {
            return f.write_str("0");
        }
        if self.format == Format::Binary && whole {
            for (suffix, power) in BINARY {
                if units % (1_i128 << power) == 0 {
                    return write!(f, "{}{suffix}", units >> power);
                }
            }
            return write!(f, "{units}");
        }
        for (suffix, power) in DECIMAL {
            // Every power in the table is at least -9.
            let divisor = 10_i128.pow((power + 9).unsigned_abs());
            if self.nanos % divisor == 0 {
                let amount = self.nanos / divisor;
                return match self.format {
                    Format::Exponent if power != 0 => write!(f, "{amount}e{power}"),
                    Format::Exponent => write!(f, "{amount}"),
                    Format::Decimal | Format::Binary => write!(f, "{amount}{suffix}"),
                };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Quantity, QuantityError};
    use crate::vectors::rows;
    use rstest::rstest;
    use std::collections::BTreeMap;

    #[rstest]
    #[case("0.5", "500m")]
    #[case("1.5Gi", "1536Mi")]
    #[case("1000Ki", "1000Ki")]
    #[case("0.001Ki", "1024m")]
    #[case("1e19", "10e18")]
    #[case("0.1n", "1n")]
    #[case("-5.", "-5")]
    fn an_amount_is_written_one_way(#[case] text: &str, #[case] canonical: &str) {
        assert_eq!(Quantity::parse(text).unwrap().to_string(), canonical);
    }

    #[test]
    fn amounts_compare_across_suffixes() {
        let parse = |text| Quantity::parse(text).unwrap();
        assert!(parse("512Mi") < parse("1Gi"));
        assert!(parse("1000m") == parse("1"));
        assert!(parse("600M") > parse("512Mi"));
    }

    /// The exponent would take the reference parser seconds.
    #[test]
    fn a_huge_exponent_is_refused_at_once() {
        assert_eq!(
            Quantity::parse("1e-10000000").unwrap_err(),
            QuantityError::OutOfRange
        );
    }

    /// Where the reference writes back another amount than it read: there is no suffix from 10^21 on.
    const LOST_BY_THE_REFERENCE: [&str; 2] = ["1000000000000000000000k", "1000E"];

    /// Every row is as the reference has it, but those that are out of our range, all for one reason: no
    /// machine has such amounts, and kubeOP then compares and hashes the text as it is written.
    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        let mut wrong = Vec::new();
        let mut out_of_range = 0;
        for row in rows(include_str!("../../../tests/vectors/quantities.tsv")) {
            let [input, ok, canonical, ..] = &row[..] else {
                panic!("a row of nine columns: {row:?}")
            };
            if LOST_BY_THE_REFERENCE.contains(&input.as_str()) {
                continue;
            }
            let got = Quantity::parse(input).map(|quantity| quantity.to_string());
            match (&got, ok.as_str()) {
                (Ok(text), "1") if text == canonical => {}
                (Err(QuantityError::OutOfRange), "1") => out_of_range += 1,
                (Err(_), "0") => {}
                _ => wrong.push(format!("{input:?}: wanted {ok} {canonical:?}, got {got:?}")),
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
        assert_eq!(out_of_range, 13, "rows out of range");
    }

    /// Different amounts among the rows that are in our range.
    const DIFFERENT: usize = 129;

    /// Equal if and only if the reference has the same exact amount, in comparison and in writing.
    #[test]
    fn equal_amounts_and_no_others_are_written_alike() {
        let mut by_amount: BTreeMap<String, Quantity> = BTreeMap::new();
        for row in rows(include_str!("../../../tests/vectors/quantities.tsv")) {
            let [input, _, _, exact, ..] = &row[..] else {
                panic!("a row of nine columns: {row:?}")
            };
            let Ok(quantity) = Quantity::parse(input) else {
                continue;
            };
            assert_eq!(Quantity::parse(&quantity.shortest()), Ok(quantity), "{input:?}");
            let first = by_amount.entry(exact.clone()).or_insert(quantity);
            assert_eq!(*first, quantity, "{input:?} is {exact}");
            assert_eq!(first.shortest(), quantity.shortest(), "{input:?} is {exact}");
        }
        assert_eq!(by_amount.len(), DIFFERENT, "different amounts");
        let all: Vec<_> = by_amount.values().collect();
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                assert!(
                    one != other && one.shortest() != other.shortest(),
                    "{one} {other}"
                );
            }
        }
    }

    #[rstest]
    #[case("1073741824", "1Gi")]
    #[case("1536Mi", "1536Mi")]
    #[case("512M", "512M")]
    #[case("1000Ki", "1024k")]
    #[case("1e3", "1k")]
    #[case("0.5", "500m")]
    fn the_shorter_form_is_written(#[case] text: &str, #[case] shortest: &str) {
        assert_eq!(Quantity::parse(text).unwrap().shortest(), shortest);
    }
}
