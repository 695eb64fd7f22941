//! Which files there are, and the objects in them.

use super::report::Unreadable;
use kubeop_shared::manifests::file::{Written, read_file};
use std::io::Read;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";
/// How that is called in answers.
const STANDARD_INPUT_NAME: &str = "stdin";

/// A file, read.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Its path, as it was given or found.
    pub name: String,
    /// Its objects, in order.
    pub objects: Vec<Written>,
    /// What cannot be read of it.
    pub unreadable: Vec<Unreadable>,
    /// What is meant for another program.
    pub passed_over: usize,
}

/// Reads all of these: files, folders, standard input.
pub(super) fn read<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Vec<File> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes).map(|_| bytes);
            files.push(parsed(STANDARD_INPUT_NAME.to_owned(), read));
        } else if path.is_dir() {
            read_folder(path, &mut files);
        } else {
            files.push(parsed(path.display().to_string(), std::fs::read(path)));
        }
    }
    files
}

/// Reads what lies below a folder, in an order of its own. A folder without any manifest is most likely a wrong path.
fn read_folder(folder: &Path, files: &mut Vec<File>) {
    let before = files.len();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.path().is_file() && is_manifest(entry.path()) => {
                let name = entry.path().display().to_string();
                files.push(if is_kustomization(entry.path()) {
                    File {
                        name,
                        passed_over: 1,
                        ..File::default()
                    }
                } else {
                    parsed(name, std::fs::read(entry.path()))
                });
            }
            Ok(_) => {}
            Err(error) => files.push(unreadable(
                error.path().unwrap_or(folder).display().to_string(),
                error.to_string(),
            )),
        }
    }
    if files.len() == before {
        let why = "holds no .yaml, .yml or .json file".to_owned();
        files.push(unreadable(folder.display().to_string(), why));
    }
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json"))
}

/// kustomize's own file is no object. What it makes is checked by `kustomize build | kubeop-webhook check -f -`.
fn is_kustomization(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem == Some("kustomization")
}

fn parsed(name: String, bytes: std::io::Result<Vec<u8>>) -> File {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(name, error.to_string()),
    };
    let (objects, faults) = read_file(&bytes);
    let unreadable = faults
        .into_iter()
        .map(|fault| Unreadable {
            file: name.clone(),
            line: Some(fault.line),
            why: fault.why,
        })
        .collect();
    File {
        name,
        objects,
        unreadable,
        passed_over: 0,
    }
}

fn unreadable(name: String, why: String) -> File {
    File {
        unreadable: vec![Unreadable {
            file: name.clone(),
            line: None,
            why,
        }],
        name,
        ..File::default()
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::fs;

    #[test]
    fn a_folder_is_read_with_all_that_lies_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        write("b.yaml", "{apiVersion: v1, kind: B}");
        write("a/z.yml", "{apiVersion: v1, kind: Z}");
        write("a/y.json", r#"{"apiVersion": "v1", "kind": "Y"}"#);
        write("a/kustomization.yaml", "resources: [z.yml]");
        write("README.md", "no manifest");
        write("c.txt", "{apiVersion: v1, kind: C}");
        let files = read(&[folder.path().to_owned()]);
        let kinds: Vec<_> = files
            .iter()
            .flat_map(|file| &file.objects)
            .map(|object| object.gvk.kind.as_str())
            .collect();
        assert_eq!(kinds, ["Y", "Z", "B"]);
        assert_eq!(files.iter().map(|file| file.passed_over).sum::<usize>(), 1);
        // Whoever names a file means it.
        let named = read(&[
            folder.path().join("c.txt"),
            folder.path().join("empty"),
            "nowhere".into(),
        ]);
        assert_eq!(named[0].objects[0].gvk.kind, "C");
        assert_eq!(named[1].unreadable[0].why, "holds no .yaml, .yml or .json file");
        assert!(named[2].unreadable[0].why.contains("No such file"), "{named:?}");
    }
}
