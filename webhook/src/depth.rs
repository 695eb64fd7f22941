//! How deeply a JSON text is nested, found without recursion and without reading values.

/// The deepest nesting that is judged.
pub const DEEPEST: usize = 128;

/// Whether the text is nested deeper than [`DEEPEST`]. The text need not be valid JSON.
pub fn is_too_deep(json: &[u8]) -> bool {
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
    }
}
