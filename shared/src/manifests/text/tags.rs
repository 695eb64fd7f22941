//! A guard for the parser: libyaml-safer 0.3 panics on a tag right before a comma in a flow collection.

use super::events::{no_yaml, to_usize, too_deep};
use super::pieces::Piece;
use super::{MAX_DEPTH, Trouble};
use libyaml_safer::{Encoding, ScalarStyle, Scanner, TokenData};

/// Refuses a tag that a comma follows at once.
///
/// `!word,` may stand in any text (a script in a ConfigMap) and be no tag. Where there is one, the piece
/// is scanned with each such `!` masked by a letter: text stays text, but a tag turns into a plain scalar
/// that starts right there. Up to the first of these the scanner does the same on both.
pub(super) fn refuse_tag_before_comma(piece: &Piece) -> Result<(), Trouble> {
    let candidates = bangs_before_comma(&piece.text);
    if candidates.is_empty() {
        return Ok(());
    }
    let mut masked = piece.text.as_bytes().to_vec();
    for byte in &candidates {
        if let Some(bang) = masked.get_mut(*byte) {
            *bang = b'x';
        }
    }
    let mut scanner = Scanner::new();
    scanner.set_input(masked.as_slice());
    scanner.set_encoding(Encoding::Utf8);
    let mut flow_depth = 0_usize;
    loop {
        // The scanner reads ahead: such a tag may stand before what it stumbles over.
        let token = Scanner::scan(&mut scanner).map_err(|error| no_yaml(piece, &error))?;
        let start = to_usize(token.start_mark.index);
        match token.data {
            TokenData::StreamEnd => return Ok(()),
            TokenData::FlowSequenceStart | TokenData::FlowMappingStart if flow_depth >= MAX_DEPTH => {
                return Err(too_deep(piece, start));
            }
            TokenData::FlowSequenceStart | TokenData::FlowMappingStart => flow_depth += 1,
            TokenData::FlowSequenceEnd | TokenData::FlowMappingEnd => {
                flow_depth = flow_depth.saturating_sub(1);
            }
            TokenData::Scalar {
                style: ScalarStyle::Plain,
                ..
            } if candidates.binary_search(&start).is_ok() => {
                let why = "holds a tag right before a comma, which parsers read differently; \
                           put a blank between";
                return Err(Trouble::new(piece.line_at(start), why));
            }
            _ => {}
        }
    }
}

/// Where a `!` stands with nothing but a tag's other characters between it and a comma, in order.
fn bangs_before_comma(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut run = Vec::new();
    for (byte, now) in text.bytes().enumerate() {
        match now {
            b',' => found.append(&mut run),
            b'!' => run.push(byte),
            now if may_stand_in_a_tag(now) => {}
            _ => run.clear(),
        }
    }
    let verbatim = text.match_indices("!<").map(|(byte, _)| byte);
    found.extend(verbatim.filter(|byte| text.get(byte + 2..).is_some_and(closes_before_comma)));
    found.sort_unstable();
    found
}

/// Whether this is the rest of a verbatim tag, `...>`, and a comma.
fn closes_before_comma(rest: &str) -> bool {
    let inside = |byte: u8| may_stand_in_a_tag(byte) || b",[]".contains(&byte);
    rest.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(inside))
        .starts_with(">,")
}

/// The characters that libyaml-safer takes into a tag.
fn may_stand_in_a_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$.%!~*'()".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::bangs_before_comma;

    #[test]
    fn bangs_before_commas_are_found_in_any_nesting() {
        assert_eq!(bangs_before_comma("!a!b, !c d,"), [0, 2]);
        assert_eq!(bangs_before_comma("!<a,b>, !<a,b> c,"), [0]);
        assert_eq!(bangs_before_comma("{k!<[!a,"), [5]);
    }
}
