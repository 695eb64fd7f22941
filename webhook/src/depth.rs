//! How deeply a JSON text is nested, found without recursion and without reading values.

/// The deepest nesting that is judged.
pub const DEEPEST: usize = 128;

/// Whether the text is nested deeper than [`DEEPEST`]. The text need not be valid JSON.
pub fn is_too_deep(json: &[u8]) -> bool {
    may_be_too_deep(json) && is_nested_too_deep(json)
}

/// Counts instead of reading, which is several times faster and settles what is usual: nothing is nested deeper
/// than it has brackets that open, and of those that close at once (managed fields are full of `{}`) only one.
fn may_be_too_deep(json: &[u8]) -> bool {
    let following = json.get(1..).unwrap_or_default();
    let opening = count(json, json, |byte, _| byte == b'{' || byte == b'[');
    let empty = count(json, following, |byte, next| byte == b'{' && next == b'}');
    opening - empty + 1 > DEEPEST
}

/// How many pairs of bytes are wanted. In small steps, so that the sum of each fits a byte and the compiler counts
/// many bytes at once.
fn count(first: &[u8], second: &[u8], is_wanted: impl Fn(u8, u8) -> bool) -> usize {
    const STEP: usize = 128;
    first
        .chunks(STEP)
        .zip(second.chunks(STEP))
        .map(|(first, second)| {
            let pairs = first.iter().zip(second);
            usize::from(pairs.map(|(a, b)| u8::from(is_wanted(*a, *b))).sum::<u8>())
        })
        .sum()
}

fn is_nested_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_and_brackets_in_texts_do_not() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(!is_too_deep(&nested(DEEPEST)));
        assert!(is_too_deep(&nested(DEEPEST + 1)));
        assert!(!is_too_deep(
            format!("\"{}\\\"{}\"", "[".repeat(200), "{".repeat(200)).as_bytes()
        ));
        assert!(!is_too_deep("[]".repeat(500).as_bytes()));
        // What stands in texts changes nothing, whatever it looks like.
        for noise in ["{}", "}{", "{", "}"] {
            let noisy = |depth| [format!("[\"{}\"],", noise.repeat(300)).as_bytes(), &nested(depth)].concat();
            assert!(!is_too_deep(&noisy(DEEPEST)), "{noise}");
            assert!(is_too_deep(&noisy(DEEPEST + 1)), "{noise}");
        }
        let around = |depth| [&b"{\"a\":{}}".repeat(50)[..], &nested(depth), &b"{}".repeat(300)].concat();
        assert!(!is_too_deep(&around(DEEPEST)));
        assert!(is_too_deep(&around(DEEPEST + 1)));
    }
}
