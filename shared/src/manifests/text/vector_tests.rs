//! Every row of `tests/vectors/yaml.json`: what kubectl makes of a file.

use super::{documents, with_numbers_as_read};
use crate::manifests::read_manifests;
use serde_json::Value;

/// Rows that kubectl reads and we refuse. None reads otherwise than kubectl.
const REFUSED: [(&str, &str); 1] = [(
    "tag: !!timestamp 2001-12-14",
    "no field of Kubernetes is a YAML timestamp; which texts Go takes for one is not worth copying",
)];

/// Rows whose `objects` are not compared, beside those with `objects_why`.
const OBJECTS_NOT_COMPARED: [(&str, &str); 2] = [
    (
        "list: items missing",
        "an object without a name, which kubectl refuses later and we at once",
    ),
    (
        "object: creationTimestamp null",
        "what only a server sets is dropped",
    ),
];

fn rows() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../../tests/vectors/yaml.json")).unwrap()
}

fn name(row: &Value) -> &str {
    row["name"].as_str().unwrap()
}

fn listed(list: &[(&str, &str)], row: &Value) -> bool {
    list.iter().any(|(listed, _)| *listed == name(row))
}

#[test]
fn every_document_is_read_as_kubectl_reads_it_or_refused() {
    let mut differ = Vec::new();
    let rows = rows();
    for row in &rows {
        // Only a file can hold bytes that are no UTF-8; `manifests[]` are strings.
        let Some(input) = row["input"].as_str() else {
            assert!(row["input_base64"].is_string());
            continue;
        };
        let refuse = !row["error"].is_null() || row["kubeop"] == "refuse" || listed(&REFUSED, row);
        let want = (!refuse).then(|| with_numbers_as_read(row["documents"].clone()));
        let got = documents(input);
        let got_values = got.as_ref().ok().map(|documents| {
            let values = documents.iter().map(|document| document.value.clone());
            values.collect::<Value>()
        });
        if got_values != want {
            differ.push(format!(
                "{}\n  input {input:.200?}\n  want {want:?}\n  got {got:?}",
                name(row)
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {} differ:\n{}",
        differ.len(),
        rows.len(),
        differ.join("\n")
    );
}

#[test]
fn every_object_is_built_as_kubectl_builds_it_or_refused() {
    let mut differ = Vec::new();
    let rows = rows();
    for row in rows
        .iter()
        .filter(|row| row.get("objects").is_some() && row.get("objects_why").is_none())
    {
        if listed(&OBJECTS_NOT_COMPARED, row) {
            continue;
        }
        let refuse = row.get("object_errors").is_some();
        let want = (!refuse).then(|| with_numbers_as_read(row["objects"].clone()));
        let got = read_manifests("manifests", &[row["input"].clone()]);
        let got_values = got.as_ref().ok().map(|read| {
            read.objects
                .iter()
                .map(|object| object.value.clone())
                .collect::<Value>()
        });
        if got_values != want {
            differ.push(format!("{}\n  want {want:?}\n  got {got:?}", name(row)));
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}
