//! The text inside a record: lists of flat entries, a strict subset of YAML that reads like notes.
//!
//! ```text
//! - revision: 3
//!   outcome: Succeeded
//!   message: "two\nlines"
//! ```

/// One entry: names and values in the order of writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry(Vec<(String, String)>);

/// Where a text stops being such a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Counted from 1.
    pub line: usize,
}

impl Entry {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass numbers and texts alike"
    )]
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Writes a list.
pub(super) fn write(entries: &[Entry]) -> String {
    let mut text = String::new();
    for Entry(fields) in entries {
        for (index, (name, value)) in fields.iter().enumerate() {
            text.push_str(if index == 0 { "- " } else { "  " });
            text.push_str(name);
            text.push_str(": ");
            text.push_str(&scalar(value));
            text.push('\n');
        }
    }
    text
}

/// Reads a list.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, BadLine> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let bad = BadLine { line: index + 1 };
        let (starts, field) = match (line.strip_prefix("- "), line.strip_prefix("  ")) {
            (Some(field), _) => (true, field),
            (None, Some(field)) => (false, field),
            (None, None) if line.trim().is_empty() => continue,
            (None, None) => return Err(bad),
        };
        if starts {
            entries.push(Entry::default());
        }
        let (name, value) = field.split_once(": ").ok_or_else(|| bad.clone())?;
        let value = if value.starts_with('"') {
            serde_json::from_str(value).map_err(|_| bad.clone())?
        } else {
            value.to_owned()
        };
        let entry = entries.last_mut().ok_or(bad)?;
        entry.0.push((name.to_owned(), value));
    }
    Ok(entries)
}

/// A value as it stands after the colon: plain where YAML reads it back as the same text, else quoted.
fn scalar(value: &str) -> String {
    let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && value.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #");
    if plain {
        value.to_owned()
    } else {
        serde_json::Value::from(value).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, read, write};
    use proptest::prelude::*;

    #[test]
    fn it_reads_like_notes() {
        let text = write(&[
            Entry::default().with("revision", 3).with("outcome", "Succeeded"),
            Entry::default().with("message", "two\nlines: \"quoted\""),
        ]);
        assert_eq!(
            text,
            "- revision: 3\n  outcome: Succeeded\n- message: \"two\\nlines: \\\"quoted\\\"\"\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(values in prop::collection::vec(".*", 1..4)) {
            let entry = values.iter().fold(Entry::default(), |entry, value| entry.with("name", value));
            prop_assert_eq!(read(&write(std::slice::from_ref(&entry))), Ok(vec![entry]));
        }
    }
}
