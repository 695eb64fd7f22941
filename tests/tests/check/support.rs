//! The program, run as a person runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use kubeop_tests::generated::repository;
use kubeop_tests::programs::{OwnProgram, build_own};
use serde_json::Value;

/// What it did.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Its stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let webhook = OwnProgram {
            package: "kubeop-webhook",
            name: "kubeop-webhook",
        };
        build_own(&[webhook]).unwrap().remove(0)
    })
}

/// `kubeop-webhook check` in a folder, with arguments separated by blanks and this text on stdin.
pub fn check_in(folder: &Path, args: &str, input: &str) -> Answer {
    let mut child = Command::new(program())
        .arg("check")
        .args(args.split_whitespace())
        .current_dir(folder)
        // Without a cluster, and whatever this machine has set.
        .env("KUBECONFIG", "/nowhere")
        .env_remove("KUBEOP_IMAGE_ALLOWLIST")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Answer {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The folder with this test's own inputs.
pub fn inputs() -> PathBuf {
    repository().join("tests/tests/check/inputs")
}

/// `kubeop-webhook check` among this test's own inputs.
pub fn check(args: &str) -> Answer {
    check_in(&inputs(), args, "")
}
