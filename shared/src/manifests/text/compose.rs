//! From nodes to a JSON value: keys, duplicates, merges and aliases.

use super::events::{Content, Nodes};
use super::scalar::Scalar;
use super::{MAX_DEPTH, MAX_FAULTS, Trouble};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// How many bytes aliases may add to a document: as much as the API server takes in one object.
const MAX_ALIASED_BYTES: usize = 1 << 20;

/// About what a value takes beside its text.
const VALUE_BYTES: usize = 32;

/// A document's value and what is wrong with it.
pub(super) struct Composed {
    pub value: Value,
    pub troubles: Vec<Trouble>,
}

/// Composes the value of a document.
pub(super) fn compose(nodes: &Nodes) -> Composed {
    let mut composer = Composer {
        nodes,
        troubles: Vec::new(),
        aliases: Aliases::default(),
        depth: 0,
    };
    let value = composer.value(0);
    Composed {
        value,
        troubles: composer.troubles,
    }
}

struct Composer<'n> {
    nodes: &'n Nodes,
    troubles: Vec<Trouble>,
    aliases: Aliases,
    /// How many lists, mappings and aliases are open.
    depth: usize,
}

/// What aliases have cost so far.
#[derive(Default)]
struct Aliases {
    open: usize,
    bytes: usize,
    /// Steps of composing at all, and those below an alias: go-yaml's measure.
    steps: usize,
    aliased_steps: usize,
    exhausted: bool,
}

impl Aliases {
    fn step(&mut self, bytes: usize) {
        self.steps += 1;
        if self.open > 0 {
            self.aliased_steps += 1;
            self.bytes = self.bytes.saturating_add(bytes);
        }
        let too_many = self.aliased_steps > 100
            && self.steps > 1000
            && self.aliased_steps.saturating_mul(100) > self.steps.saturating_mul(99);
        self.exhausted |= too_many || self.bytes > MAX_ALIASED_BYTES;
    }
}

/// A mapping while it grows.
#[derive(Default)]
struct Mapping {
    map: Map<String, Value>,
    /// Keys that a merge brought; they may be overridden.
    merged: HashSet<String>,
    merges: usize,
}

impl Composer<'_> {
    fn trouble(&mut self, at: usize, why: impl Into<String>) {
        if self.troubles.len() < MAX_FAULTS {
            self.troubles.push(Trouble::new(self.nodes.line_of(at), why));
        }
    }

    /// Enters a list, a mapping or an alias, unless that is too deep.
    fn descend<T: Default>(&mut self, at: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth > MAX_DEPTH {
            self.trouble(
                at,
                format!("nests deeper than {MAX_DEPTH} levels through its aliases"),
            );
            self.aliases.exhausted = true;
            return T::default();
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Counts a step; false when aliases have cost too much, which is told once.
    fn may_go_on(&mut self, at: usize, bytes: usize) -> bool {
        if self.aliases.exhausted {
            return false;
        }
        self.aliases.step(bytes);
        if self.aliases.exhausted {
            self.trouble(at, "repeats too much by its aliases");
        }
        !self.aliases.exhausted
    }

    fn value(&mut self, at: usize) -> Value {
        let nodes = self.nodes;
        let Some(node) = nodes.get(at) else {
            return Value::Null;
        };
        let text_bytes = match &node.content {
            Content::Scalar { text, .. } => text.len(),
            _ => 0,
        };
        if !self.may_go_on(at, VALUE_BYTES + text_bytes) {
            return Value::Null;
        }
        match &node.content {
            Content::Scalar { .. } => match self.scalar(at).and_then(Scalar::into_value) {
                Ok(value) => value,
                Err(why) => {
                    self.trouble(at, why);
                    Value::Null
                }
            },
            Content::Alias { target } => self.aliased(at, |composer| composer.value(*target)),
            Content::Sequence { .. } => self.descend(at, |composer| {
                nodes.children(at).map(|child| composer.value(child)).collect()
            }),
            Content::Mapping { .. } => Value::Object(self.mapping(at).map),
        }
    }

    fn aliased<T: Default>(&mut self, at: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.aliases.open += 1;
        let result = self.descend(at, inside);
        self.aliases.open -= 1;
        result
    }

    fn scalar(&self, at: usize) -> Result<Scalar, String> {
        match self.nodes.get(at).map(|node| &node.content) {
            Some(Content::Scalar { text, tag, plain }) => Scalar::resolve(text, tag.as_deref(), *plain),
            Some(Content::Alias { target }) => self.scalar(*target),
            _ => Err("is a list or a mapping where a key must stand".into()),
        }
    }

    fn mapping(&mut self, at: usize) -> Mapping {
        let nodes = self.nodes;
        self.descend(at, |composer| {
            let mut mapping = Mapping::default();
            let mut children = nodes.children(at);
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                if composer.aliases.exhausted {
                    break;
                }
                if nodes.is_merge(key) {
                    composer.merge(key, value, &mut mapping);
                } else {
                    composer.entry(key, value, &mut mapping);
                }
            }
            mapping
        })
    }

    fn entry(&mut self, key_at: usize, value_at: usize, mapping: &mut Mapping) {
        let key = self.scalar(key_at).and_then(Scalar::into_key);
        let value = self.value(value_at);
        let key = match key {
            Ok(key) => key,
            Err(why) => return self.trouble(key_at, why),
        };
        if !self.may_go_on(key_at, key.len()) {
            return;
        }
        let merged = mapping.merged.remove(&key);
        if !merged && mapping.map.contains_key(&key) {
            self.trouble(
                key_at,
                format!("gives the key {key:?} twice, of which kubectl drops one"),
            );
        }
        mapping.map.insert(key, value);
    }

    fn merge(&mut self, key_at: usize, value_at: usize, mapping: &mut Mapping) {
        mapping.merges += 1;
        if mapping.merges > 1 {
            self.trouble(
                key_at,
                "holds two merge keys << in one mapping, of which kubectl prefers the last",
            );
        }
        let nodes = self.nodes;
        match nodes.get(value_at).map(|node| &node.content) {
            Some(Content::Sequence { .. }) => {
                // Earlier ones win, so they come last.
                let sources: Vec<usize> = nodes.children(value_at).collect();
                for source in sources.into_iter().rev() {
                    self.merge_one(key_at, source, mapping);
                }
            }
            _ => self.merge_one(key_at, value_at, mapping),
        }
    }

    fn merge_one(&mut self, key_at: usize, source: usize, mapping: &mut Mapping) {
        let (target, aliased) = match self.nodes.get(source).map(|node| &node.content) {
            Some(Content::Alias { target }) => (*target, true),
            _ => (source, false),
        };
        if !matches!(
            self.nodes.get(target).map(|node| &node.content),
            Some(Content::Mapping { .. })
        ) {
            return self.trouble(key_at, "merges by << what is no mapping");
        }
        if !self.may_go_on(source, VALUE_BYTES) {
            return;
        }
        let merged = if aliased {
            self.aliased(source, |composer| composer.mapping(target))
        } else {
            self.mapping(target)
        };
        for (key, value) in merged.map {
            let given = mapping.map.contains_key(&key) && !mapping.merged.contains(&key);
            if given {
                self.trouble(
                    key_at,
                    format!("merges by << behind the key {key:?}, which kubectl overrides; put << first"),
                );
            } else {
                mapping.merged.insert(key.clone());
            }
            mapping.map.insert(key, value);
        }
    }
}
