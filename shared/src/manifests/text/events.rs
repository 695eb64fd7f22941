//! From the parser's events to one flat list of nodes.
//!
//! libyaml-safer reads a little more than kubectl's go-yaml v2 in places, which are refused here:
//! `?` in a plain scalar of a flow collection, the escape `\/`, directives. It panics on a tag right
//! before a comma, which `tags` finds beforehand.

use super::pieces::Piece;
use super::tags;
use super::{BYTE_ORDER_MARK, MAX_DEPTH, Trouble};
use libyaml_safer::{Encoding, Event, EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle};
use std::collections::HashMap;

/// The nodes of one document, each before what it holds.
pub(super) struct Nodes {
    piece: Piece,
    list: Vec<Node>,
}

/// A node: what it is, and at which byte of the piece it starts.
pub(super) struct Node {
    pub content: Content,
    byte: usize,
}

/// What a node is.
pub(super) enum Content {
    Scalar {
        text: String,
        tag: Option<String>,
        /// Not quoted, no block, no tag but `!`.
        plain: bool,
    },
    /// Holds the nodes from the next one up to `end`.
    Sequence { end: usize },
    /// Holds keys and values in turn, from the next node up to `end`.
    Mapping { end: usize },
    /// Stands for the node at `target`, which is complete.
    Alias { target: usize },
}

impl Nodes {
    /// The node at an index.
    pub(super) fn get(&self, index: usize) -> Option<&Node> {
        self.list.get(index)
    }

    /// The index after a node and all that it holds.
    pub(super) fn after(&self, index: usize) -> usize {
        match self.get(index).map(|node| &node.content) {
            Some(Content::Sequence { end } | Content::Mapping { end }) => *end,
            _ => index + 1,
        }
    }

    /// Whether a node is the merge key `<<`.
    pub(super) fn is_merge(&self, index: usize) -> bool {
        match self.get(index).map(|node| &node.content) {
            Some(Content::Scalar { text, tag, plain }) => {
                text == "<<" && (*plain || tag.as_deref() == Some("tag:yaml.org,2002:merge"))
            }
            _ => false,
        }
    }

    /// The indexes of the nodes that a list or a mapping holds.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = index + 1;
        let end = self.after(index);
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.after(child);
            Some(child)
        })
    }

    /// The line of a node in the whole text.
    pub(super) fn line_of(&self, index: usize) -> usize {
        self.piece.line_at(self.get(index).map_or(0, |node| node.byte))
    }

    /// The line on which the document starts.
    pub(super) fn line(&self) -> usize {
        self.line_of(0)
    }
}

/// Parses a piece; None if it holds no document.
pub(super) fn nodes(piece: Piece) -> Result<Option<Nodes>, Trouble> {
    let list = parse(&piece)?;
    Ok(list.map(|list| Nodes { piece, list }))
}

fn parse(piece: &Piece) -> Result<Option<Vec<Node>>, Trouble> {
    if let Some(byte) = piece.text.find(|c| !is_readable(c)) {
        return Err(Trouble::new(piece.line_at(byte), "holds a control character"));
    }
    if let Some(byte) = mark_at_line_start(&piece.text) {
        let why = "holds a byte order mark at the start of a line";
        return Err(Trouble::new(piece.line_at(byte), why));
    }
    tags::refuse_tag_before_comma(piece)?;
    let mut events = Events::of(piece);
    events.next()?; // the start of the stream
    let start = events.next()?;
    match start.data {
        EventData::DocumentStart {
            version_directive: None,
            ref tag_directives,
            ..
        } if tag_directives.is_empty() => {}
        EventData::DocumentStart { .. } => {
            let line = piece.line_at(to_usize(start.start_mark.index));
            return Err(Trouble::new(
                line,
                "holds a directive, which kubectl cuts off; leave it out",
            ));
        }
        _ => return Ok(None),
    }
    let mut builder = Builder::new(piece);
    loop {
        let event = events.next()?;
        if matches!(event.data, EventData::DocumentEnd { .. }) {
            break;
        }
        builder.add(event)?;
    }
    events.expect_end()?;
    Ok(Some(builder.list))
}

/// The characters that go-yaml's reader lets through.
fn is_readable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// libyaml skips a byte order mark there and go-yaml does not; neither says so.
fn mark_at_line_start(text: &str) -> Option<usize> {
    let mut marks = text.match_indices(BYTE_ORDER_MARK).map(|(byte, _)| byte);
    marks.find(|byte| {
        let before = text.get(..*byte).and_then(|before| before.chars().next_back());
        matches!(
            before,
            None | Some('\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
        )
    })
}

/// The parser, its errors turned into troubles of the piece.
struct Events<'p> {
    piece: &'p Piece,
    parser: Parser<&'p [u8]>,
}

impl<'p> Events<'p> {
    fn of(piece: &'p Piece) -> Self {
        let mut parser = Parser::new();
        parser.set_input(piece.text.as_bytes());
        // Or else it takes every text that starts with U+Fxxx for one with a broken byte order mark.
        parser.set_encoding(Encoding::Utf8);
        Self { piece, parser }
    }

    fn next(&mut self) -> Result<Event, Trouble> {
        self.parser.parse().map_err(|error| no_yaml(self.piece, &error))
    }

    /// go-yaml reads one document of a piece and leaves the rest alone.
    fn expect_end(&mut self) -> Result<(), Trouble> {
        let lost = |line| {
            Trouble::new(
                line,
                "holds text behind the end of the document, which kubectl drops",
            )
        };
        match self.next() {
            Ok(event) if matches!(event.data, EventData::StreamEnd) => Ok(()),
            Ok(event) => Err(lost(self.piece.line_at(to_usize(event.start_mark.index)))),
            Err(trouble) => Err(lost(trouble.line)),
        }
    }
}

pub(super) fn to_usize(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// Puts the nodes of a document together.
struct Builder<'p> {
    piece: &'p Piece,
    list: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<String, usize>,
}

/// A list or a mapping whose end has not come yet.
struct Open {
    node: usize,
    flow: bool,
}

impl<'p> Builder<'p> {
    fn new(piece: &'p Piece) -> Self {
        Self {
            piece,
            list: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    fn add(&mut self, event: Event) -> Result<(), Trouble> {
        let start = to_usize(event.start_mark.index);
        let end = to_usize(event.end_mark.index);
        match event.data {
            EventData::Alias { anchor } => {
                let target = self.target(&anchor, start)?;
                self.push(Content::Alias { target }, None, start);
            }
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                style,
                ..
            } => {
                self.check_scalar(&value, style, start, end)?;
                let content = Content::Scalar {
                    text: value,
                    tag,
                    plain: plain_implicit,
                };
                self.push(content, anchor, start);
            }
            EventData::SequenceStart { anchor, style, .. } => {
                self.enter(style == SequenceStyle::Flow, start)?;
                self.push(Content::Sequence { end: 0 }, anchor, start);
            }
            EventData::MappingStart { anchor, style, .. } => {
                self.enter(style == MappingStyle::Flow, start)?;
                self.push(Content::Mapping { end: 0 }, anchor, start);
            }
            EventData::SequenceEnd | EventData::MappingEnd => self.leave(),
            _ => return Err(self.trouble(start, "is no YAML: an event out of place")),
        }
        Ok(())
    }

    fn push(&mut self, content: Content, anchor: Option<String>, byte: usize) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, self.list.len());
        }
        self.list.push(Node { content, byte });
    }

    fn enter(&mut self, flow: bool, byte: usize) -> Result<(), Trouble> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(self.piece, byte));
        }
        let node = self.list.len();
        self.open.push(Open { node, flow });
        Ok(())
    }

    fn leave(&mut self) {
        let last = self.list.len();
        let open = self.open.pop().and_then(|open| self.list.get_mut(open.node));
        if let Some(Content::Sequence { end } | Content::Mapping { end }) = open.map(|node| &mut node.content)
        {
            *end = last;
        }
    }

    fn target(&self, anchor: &str, byte: usize) -> Result<usize, Trouble> {
        let target = self.anchors.get(anchor).copied();
        let target =
            target.ok_or_else(|| self.trouble(byte, &format!("names the unknown anchor {anchor}")))?;
        if self.open.iter().any(|open| open.node == target) {
            return Err(self.trouble(byte, &format!("holds the anchor {anchor} inside itself")));
        }
        Ok(target)
    }

    /// Refuses what libyaml-safer takes and go-yaml does not.
    fn check_scalar(&self, text: &str, style: ScalarStyle, start: usize, end: usize) -> Result<(), Trouble> {
        let in_flow = self.open.last().is_some_and(|open| open.flow);
        if style == ScalarStyle::Plain && in_flow && text.contains('?') {
            return Err(self.trouble(
                start,
                "holds ? in a text without quotes between brackets; quote it",
            ));
        }
        let source = self.piece.text.get(start..end).unwrap_or_default();
        if style == ScalarStyle::DoubleQuoted && escapes_slash(source) {
            return Err(self.trouble(start, r"is no YAML: it holds the escape \/"));
        }
        Ok(())
    }

    fn trouble(&self, byte: usize, why: &str) -> Trouble {
        Trouble::new(self.piece.line_at(byte), why)
    }
}

/// Whether `\/` stands in a double quoted scalar; `source` may have a tag and an anchor before it.
fn escapes_slash(source: &str) -> bool {
    let mut bytes = source.bytes().skip_while(|b| *b != b'"');
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'/') {
            return true;
        }
    }
    false
}

/// What the parser says is wrong.
pub(super) fn no_yaml(piece: &Piece, error: &libyaml_safer::Error) -> Trouble {
    let mark = error.problem_mark().or_else(|| error.context_mark());
    let line = piece.line_at(mark.map_or(0, |mark| to_usize(mark.index)));
    Trouble::new(line, format!("is no YAML: {}", error.problem()))
}

pub(super) fn too_deep(piece: &Piece, byte: usize) -> Trouble {
    Trouble::new(
        piece.line_at(byte),
        format!("nests deeper than {MAX_DEPTH} levels"),
    )
}
