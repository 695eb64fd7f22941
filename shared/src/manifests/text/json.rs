//! A text that starts with `{`: Go's JSON decoder reads value after value, and where it stops after at
//! most one, YAML takes over, as apimachinery's `YAMLOrJSONDecoder` has it.

use super::scalar::number;
use super::{MAX_DEPTH, MAX_FAULTS, Reading, Trouble};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// How far kubectl looks for the brace.
const LOOK_AHEAD: usize = 4096;

/// Whether a text is JSON at first sight.
pub(super) fn looks_like_json(text: &str) -> bool {
    let start = text.trim_start();
    start.starts_with('{') && text.len() - start.len() < LOOK_AHEAD
}

/// Reads JSON values. Returns what is left to be read as YAML, and the line on which that starts.
pub(super) fn values<'t>(text: &'t str, read: &mut Reading) -> Option<(&'t str, usize)> {
    let mut rest = text;
    let mut line = 1;
    let mut count = 0;
    loop {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match stream.next() {
            None => return None,
            Some(Ok(raw)) => {
                let value_line = line + leading_breaks(rest);
                match serde_json::from_str::<Strict>(raw.get()) {
                    Ok(Strict(value)) => read.document(value_line, value),
                    Err(error) => read.troubles.push(trouble(value_line, &error)),
                }
                count += 1;
                let (done, left) = rest.split_at_checked(stream.byte_offset())?;
                line += line_breaks(done);
                rest = left;
            }
            Some(Err(error)) if count > 1 => {
                read.troubles.push(trouble(line, &error));
                return None;
            }
            Some(Err(error)) => {
                let left = after_line_end(rest);
                return match left {
                    Some(left) if count == 0 || !starts_like_a_json_scalar(rest) => {
                        let done = rest.len() - left.len();
                        Some((left, line + line_breaks(rest.get(..done).unwrap_or_default())))
                    }
                    _ => {
                        read.troubles.push(trouble(line, &error));
                        None
                    }
                };
            }
        }
        if read.troubles.len() >= MAX_FAULTS {
            return None;
        }
    }
}

fn trouble(line: usize, error: &serde_json::Error) -> Trouble {
    let text = error.to_string();
    // serde_json adds its own position, which is that within the value.
    let what = text.split(" at line ").next().unwrap_or_default();
    let why = if what == "recursion limit exceeded" {
        format!("nests deeper than {MAX_DEPTH} levels")
    } else if error.is_data() {
        what.to_owned()
    } else {
        format!("is no JSON: {what}")
    };
    Trouble::new(line + error.line().saturating_sub(1), why)
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

fn leading_breaks(text: &str) -> usize {
    text.bytes()
        .take_while(u8::is_ascii_whitespace)
        .filter(|b| *b == b'\n')
        .count()
}

/// Skips white space up to and with the first line feed; None if the text ends before, which is an error.
/// As apimachinery looks at four bytes at once, what is shorter has ended.
fn after_line_end(text: &str) -> Option<&str> {
    let mut rest = text;
    while rest.len() >= 4 {
        let next = rest.chars().next().filter(|next| next.is_whitespace());
        match next {
            Some(space) => rest = rest.get(space.len_utf8()..)?,
            None => return Some(rest),
        }
        if next == Some('\n') {
            return Some(rest);
        }
    }
    None
}

/// Whether Go takes the start of this for a JSON value, which makes the text JSON for good: after `12`
/// in `12a: b` it does not turn to YAML any more.
fn starts_like_a_json_scalar(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let number = text.strip_prefix('-').unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit())
        || ["true", "false", "null"]
            .iter()
            .any(|word| text.starts_with(word))
}

/// A JSON value in which no key is given twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "kubectl makes a float of what i64 cannot hold"
        )]
        let float = || Value::from(value as f64);
        Ok(i64::try_from(value).map_or_else(|_| float(), Value::from))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        number(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.contains_key(&key) {
                let why = format!("gives the key {key:?} twice, of which kubectl drops one");
                return Err(A::Error::custom(why));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
