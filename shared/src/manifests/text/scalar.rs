//! What a scalar means: YAML 1.1 as go-yaml v2 resolves it, and what it becomes as a JSON value or as a
//! key. The rules are those of `resolve.go` there and of `sigs.k8s.io/yaml`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

/// The prefix that `!!` stands for.
const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer from 2^63 to 2^64-1.
    Big(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Big(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
        }
    }

    /// Resolves a scalar. `plain` says that it is neither quoted nor a block, nor tagged (or by `!`).
    pub(super) fn resolve(text: &str, tag: Option<&str>, plain: bool) -> Result<Self, String> {
        let Some(tag) = tag.filter(|tag| !tag.is_empty()) else {
            return Ok(if plain {
                untagged(text)
            } else {
                Self::Text(text.into())
            });
        };
        let Some(standard) = tag.strip_prefix(STANDARD_TAGS) else {
            return Ok(Self::Text(text.into()));
        };
        let found = match standard {
            "binary" => return binary(text),
            "timestamp" => return Err("carries the tag !!timestamp; quote the text instead".into()),
            "bool" | "int" | "float" | "null" => untagged(text),
            _ => return Ok(Self::Text(text.into())),
        };
        match found {
            #[expect(clippy::cast_precision_loss, reason = "a float is what the tag asks for")]
            Self::Int(int) if standard == "float" => Ok(Self::Float(int as f64)),
            found if found.type_name() == standard => Ok(found),
            found => Err(format!(
                "is of type !!{}, not !!{standard} as its tag says",
                found.type_name()
            )),
        }
    }

    /// The value in JSON.
    pub(super) fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => bool.into(),
            Self::Int(int) => int.into(),
            #[expect(clippy::cast_precision_loss, reason = "kubectl makes a float of it, too")]
            Self::Big(int) => (int as f64).into(),
            Self::Float(float) => number(float).ok_or("is no number that JSON can hold")?.into(),
            Self::Text(text) => text.into(),
        })
    }

    /// The key that it becomes in a JSON object.
    pub(super) fn into_key(self) -> Result<String, String> {
        match self {
            Self::Null => Err("is null where a key must stand".into()),
            Self::Big(int) => Err(format!("is the integer {int}, too large for a key; quote it")),
            Self::Bool(bool) => Ok(bool.to_string()),
            Self::Int(int) => Ok(int.to_string()),
            Self::Float(float) => float_key(float),
            Self::Text(text) => Ok(text),
        }
    }
}

/// A float as kubectl passes it on: written as Go writes it, and read again, so that what is written
/// like an integer becomes one (`1.0` is 1). None for what JSON cannot write.
pub(in crate::manifests) fn number(float: f64) -> Option<Number> {
    let size = float.abs();
    if size < 1e21
        && (size == 0.0 || size >= 1e-6)
        && let Ok(int) = format!("{float}").parse::<i64>()
    {
        return Some(int.into());
    }
    Number::from_f64(float)
}

/// sigs.k8s.io/yaml writes such keys as 32-bit floats: `strconv.FormatFloat(key, 'g', -1, 32)`.
fn float_key(float: f64) -> Result<String, String> {
    if float.is_nan() {
        return Ok(".nan".into());
    }
    if float.is_infinite() {
        return Ok(if float > 0.0 { ".inf" } else { "-.inf" }.into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "a changed value is refused below")]
    let short = float as f32;
    let scientific = format!("{short:e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)));
    let key = match exponent {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => format!("{short}"),
    };
    if key.parse() == Ok(float) {
        Ok(key)
    } else {
        Err(format!(
            "is a number that kubectl rounds to {key} as a key; quote it"
        ))
    }
}

fn binary(text: &str) -> Result<Scalar, String> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| "is no base64, which its tag !!binary asks for")?;
    String::from_utf8(bytes)
        .map(Scalar::Text)
        .map_err(|_| "holds bytes that are no UTF-8 under its tag !!binary".into())
}

/// Resolves a plain scalar.
fn untagged(text: &str) -> Scalar {
    word(text)
        .or_else(|| match text.as_bytes().first() {
            Some(b'.') => point_float(text),
            Some(b'+' | b'-' | b'0'..=b'9') => numeric(&text.replace('_', "")),
            _ => None,
        })
        .unwrap_or_else(|| Scalar::Text(text.into()))
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// What starts with a point goes to Go's `ParseFloat` as it stands: `_` only between digits.
fn point_float(text: &str) -> Option<Scalar> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separates = |at: usize| digit(at.checked_sub(1)) && digit(at.checked_add(1));
    let well_placed = text.match_indices('_').all(|(at, _)| separates(at));
    well_placed.then(|| decimal(&text.replace('_', ""))).flatten()
}

/// What starts with a digit or a sign; underscores are gone already.
fn numeric(text: &str) -> Option<Scalar> {
    integer(text).or_else(|| decimal(text)).or_else(|| {
        // go-yaml tries base 2 once more behind the prefix, where a sign may stand.
        let digits = text
            .strip_prefix("0b")
            .filter(|digits| digits.starts_with(['+', '-']))?;
        i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
    })
}

/// Go's `ParseInt(text, 0, 64)`, and `ParseUint` where that overflows.
fn integer(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'b' | b'B', _, ..] => (2, unsigned.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, unsigned.get(2..)?),
        [b'0', b'x' | b'X', _, ..] => (16, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // from_str_radix would take a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        0i64.checked_sub_unsigned(size).map(Scalar::Int)
    } else if let Ok(int) = i64::try_from(size) {
        Some(Scalar::Int(int))
    } else {
        (!text.starts_with('+')).then_some(Scalar::Big(size))
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, in the range of a double.
fn decimal(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let numeric = unsigned.starts_with(|c: char| c == '.' || c.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    // What these characters can still say wrongly, Rust's grammar of floats refuses.
    let float = numeric.then(|| text.parse::<f64>().ok()).flatten()?;
    float.is_finite().then_some(Scalar::Float(float))
}

#[cfg(test)]
mod tests {
    use super::{Scalar, number};

    fn key(text: &str) -> Result<String, String> {
        Scalar::resolve(text, None, true).unwrap().into_key()
    }

    #[test]
    fn float_keys_are_written_as_go_writes_them() {
        assert_eq!(key("1.10").unwrap(), "1.1");
        assert_eq!(key("1e3").unwrap(), "1000");
        assert_eq!(key("1e6").unwrap(), "1e+06");
        assert_eq!(key("0.00001").unwrap(), "1e-05");
        assert!(key("16777217.5").unwrap_err().contains("1.6777218e+07"));
    }

    #[test]
    fn floats_that_are_written_like_integers_become_integers() {
        assert_eq!(number(1.0), Some(1.into()));
        assert_eq!(number(-0.0), Some(0.into()));
        assert_eq!(
            number(1.234_567_890_123_456_7e18),
            Some(1_234_567_890_123_456_800_i64.into())
        );
        assert!(number(1e20).unwrap().is_f64());
        assert_eq!(number(f64::NAN), None);
    }

    #[test]
    fn a_sign_behind_the_prefix_counts_in_base_two_only() {
        let resolve = |text: &str| Scalar::resolve(text, None, true).unwrap();
        assert_eq!(resolve("0b-101"), Scalar::Int(-5));
        assert_eq!(resolve("0x-1"), Scalar::Text("0x-1".into()));
        assert_eq!(resolve("--1"), Scalar::Text("--1".into()));
    }
}
