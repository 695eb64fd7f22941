//! `docs/check.md`: its commands, in order, as a person copies them into a shell, and the answers that it shows.

use std::fs;
use std::process::Command;

use kubeop_tests::generated::repository;
use serde_json::Value;

use crate::support::program;

/// The blocks of the page: language and text.
fn blocks() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/check.md")).unwrap();
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("\n```") {
        let (language, after) = after.split_once('\n').unwrap();
        let (block, after) = after.split_once("\n```").unwrap();
        blocks.push((language.to_owned(), block.to_owned()));
        rest = after;
    }
    blocks
}

#[test]
fn the_page_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!(
        "{}:{}",
        program().parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let (mut said, mut shown) = (String::new(), 0);
    for (language, block) in blocks() {
        match &*language {
            "sh" => {
                let output = Command::new("sh")
                    .args(["-c", &block])
                    .current_dir(folder.path())
                    .env("PATH", &path)
                    .env_remove("KUBEOP_IMAGE_ALLOWLIST")
                    .output()
                    .unwrap();
                said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            }
            "text" => {
                assert_eq!(said.trim_end(), block);
                shown += 1;
            }
            "yaml" => {
                let parsed: Value = serde_saphyr::from_str(&block).unwrap();
                assert!(parsed.to_string().contains("check"), "{block}");
            }
            other => panic!("nobody looks at {other:?}: {block}"),
        }
    }
    assert!(shown >= 2, "the page shows answers");
}
