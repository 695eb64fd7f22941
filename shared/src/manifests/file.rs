//! The objects of a file as `kubectl apply -f` sends them: nothing is left out, nothing is refused that the API server
//! is to judge.

use super::object::GroupVersionKind;
use super::read::Found;
use super::{lists, text};
use serde_json::Value;

/// An object of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The line on which its document starts, counted from 1.
    pub line: usize,
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// The object as a tree.
    pub value: Value,
}

/// Why something in a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, as a clause.
    pub why: String,
}

/// Reads a file: YAML or JSON, all documents, lists flattened. What can be read comes with what cannot; of a text that
/// is no YAML, nothing comes, since what follows a fault cannot be told apart from what it swallowed.
#[must_use]
pub fn read_file(bytes: &[u8]) -> (Vec<Written>, Vec<Unreadable>) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            let why = "is not UTF-8".to_owned();
            return (Vec::new(), vec![Unreadable { line, why }]);
        }
    };
    let documents = match text::documents(text) {
        Ok(documents) => documents,
        Err(troubles) => {
            let troubles = troubles.into_iter().map(|trouble| Unreadable {
                line: trouble.line,
                why: trouble.why,
            });
            return (Vec::new(), troubles.collect());
        }
    };
    let (mut objects, mut faults) = (Vec::new(), Vec::new());
    for document in documents {
        let line = document.line;
        let found = Found {
            path: String::new(),
            line: Some(line),
            value: document.value,
        };
        for item in lists::flatten(found) {
            let (path, why) = match item {
                Err(fault) => (fault.path, fault.why),
                Ok(item) => match kind_of(&item.map) {
                    Ok(gvk) => {
                        let value = Value::Object(item.map);
                        objects.push(Written { line, gvk, value });
                        continue;
                    }
                    Err(why) => (item.path, why.to_owned()),
                },
            };
            let path = path.trim_start_matches('.');
            let space = if path.is_empty() { "" } else { " " };
            let why = format!("{path}{space}{why}");
            faults.push(Unreadable { line, why });
        }
    }
    (objects, faults)
}

fn kind_of(object: &serde_json::Map<String, Value>) -> Result<GroupVersionKind, &'static str> {
    let text = |field| {
        object
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let kind = text("kind").ok_or("has no kind")?;
    let api_version = text("apiVersion").ok_or("has no apiVersion")?;
    GroupVersionKind::parse(api_version, kind)
        .ok_or("has an apiVersion that is no version and no group/version")
}

#[cfg(test)]
mod tests {
    use super::read_file;
    use rstest::rstest;

    #[test]
    fn objects_come_whole_and_in_order_with_their_lines() {
        let text = "# first\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, uid: u}\nstatus: {x: 1}\n---\n\n\
                    apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment}\n- {kind: X}\n";
        let (objects, faults) = read_file(text.as_bytes());
        let said: Vec<_> = objects
            .iter()
            .map(|object| (object.line, object.gvk.to_string()))
            .collect();
        assert_eq!(
            said,
            [
                (2, "v1 ConfigMap".to_owned()),
                (8, "apps/v1 Deployment".to_owned())
            ]
        );
        assert_eq!(objects[0].value["metadata"]["uid"], "u");
        assert_eq!(objects[0].value["status"]["x"], 1);
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].line, &*faults[0].why),
            (8, "items[1] has no apiVersion")
        );
    }

    #[rstest]
    #[case::json(
        r#"{"apiVersion": "v1", "kind": "Pod"} {"apiVersion": "v1", "kind": "Pod"}"#,
        2
    )]
    #[case::nothing("# nothing\n---\n", 0)]
    fn json_and_empty_files_are_read(#[case] text: &str, #[case] objects: usize) {
        let (read, faults) = read_file(text.as_bytes());
        assert_eq!((read.len(), faults), (objects, vec![]));
    }

    #[rstest]
    #[case::no_yaml(b"a: 1\nb: [\n", 2)]
    #[case::no_utf8(b"a: 1\nb: \xff\n", 2)]
    #[case::twice(b"kind: X\napiVersion: v1\nkind: Y\n", 3)]
    #[case::no_object(b"---\n- 1\n", 2)]
    #[case::no_version(b"kind: X\napiVersion: a/b/c\n", 1)]
    fn what_cannot_be_read_has_a_line(#[case] text: &[u8], #[case] line: usize) {
        let (objects, faults) = read_file(text);
        assert_eq!(objects, []);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].line, line, "{faults:?}");
    }
}
