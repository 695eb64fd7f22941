//! Cutting a text at its separator lines, before any parser sees it, as apimachinery's `YAMLReader`
//! does. `---` counts wherever a line starts with it, in a block scalar, too.

use super::{BYTE_ORDER_MARK, Trouble};

/// The part of a text that goes to the parser alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The line of the text on which it starts, counted from 1.
    pub first_line: usize,
    /// Its lines, each ended by a line feed; without a byte order mark at the start.
    pub text: String,
}

impl Piece {
    /// The line of the whole text on which the given byte of this piece stands; its end is on the last.
    pub(super) fn line_at(&self, byte: usize) -> usize {
        let last = self.text.len().saturating_sub(1);
        let before = self.text.as_bytes().iter().take(byte.min(last));
        self.first_line + before.filter(|b| **b == b'\n').count()
    }
}

/// Iterator over the pieces of a text.
pub(super) struct Pieces<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Pieces<'t> {
    pub(super) fn new(text: &'t str, first_line: usize) -> Self {
        Self {
            rest: text,
            line: first_line,
        }
    }

    /// The next line, without its end. A carriage return goes only together with a line feed.
    fn next_line(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        match self.rest.split_once('\n') {
            Some((line, rest)) => {
                self.rest = rest;
                Some(line.strip_suffix('\r').unwrap_or(line))
            }
            None => Some(std::mem::take(&mut self.rest)),
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Piece, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = Piece {
            first_line: self.line,
            text: String::new(),
        };
        while let Some(line) = self.next_line() {
            if let Some(after) = line.strip_prefix("---") {
                let after = after.trim();
                if !after.is_empty() && !after.starts_with('#') {
                    let why = "has text behind the separator ---, which kubectl refuses; \
                               move it to a line of its own";
                    return Some(Err(Trouble::new(self.line - 1, why)));
                }
                if !piece.text.is_empty() {
                    return Some(Ok(piece));
                }
            }
            let line = if piece.text.is_empty() {
                line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
            } else {
                line
            };
            piece.text.push_str(line);
            piece.text.push('\n');
        }
        (!piece.text.is_empty()).then_some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;

    fn cut(text: &str) -> Vec<(usize, String)> {
        Pieces::new(text, 1)
            .map(|piece| piece.map(|p| (p.first_line, p.text)).unwrap())
            .collect()
    }

    #[test]
    fn a_separator_before_the_first_content_stays_and_every_other_goes() {
        assert_eq!(
            cut("---\na\n--- # c\nb"),
            [(1, "---\na\n".into()), (4, "b\n".into())]
        );
    }

    #[test]
    fn line_ends_become_line_feeds() {
        assert_eq!(cut("a\r\nb\rc\r"), [(1, "a\nb\rc\r\n".into())]);
    }

    #[test]
    fn a_separator_counts_inside_a_block_scalar() {
        assert_eq!(cut("a: |\n---\nb\n").len(), 2);
    }
}
