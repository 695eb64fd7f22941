//! Builds this workspace's own programs with cargo, for tests that run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::say;
use crate::cache;

/// This workspace's target folder, found from the running program.
pub(crate) fn target_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let profile = match program.parent()? {
        folder if folder.ends_with("deps") => folder.parent()?,
        folder => folder,
    };
    Some(profile.parent()?.to_owned())
}

/// Builds programs of this workspace with cargo, and returns their paths in the order asked. `cargo test` builds
/// no other crate's programs, so whoever runs them asks here. Fresh ones cost half a second.
pub fn build_own(programs: &[OwnProgram]) -> Result<Vec<PathBuf>> {
    let target = target_folder().context("the running program is in no target folder")?;
    let _lock = cache::lock(&target.join("kubeop-tests.lock"))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--locked",
            "--message-format=json-render-diagnostics",
            "--target-dir",
        ])
        .arg(&target)
        .stdin(Stdio::null());
    // Cargo tells its tests about their package. Build scripts would see that as a change, and everything that
    // depends on them be built anew, here and at the next command of a person.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    // Benchmarks measure what is shipped.
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for program in programs {
        command.args(["-p", program.package, "--bin", program.name]);
    }
    let output = {
        let _told = say_if_slow(programs);
        command.output().context("cannot run cargo")?
    };
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let built: Vec<PathBuf> = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .collect();
    programs
        .iter()
        .map(|program| {
            built
                .iter()
                .find(|path| path.file_stem().is_some_and(|name| name == program.name))
                .cloned()
                .with_context(|| format!("cargo built no {}", program.name))
        })
        .collect()
}

/// Says after a few seconds what is being waited for, unless the answer is dropped before.
fn say_if_slow(programs: &[OwnProgram]) -> mpsc::Sender<()> {
    let (finished, wait) = mpsc::channel();
    let names: Vec<&str> = programs.iter().map(|program| program.name).collect();
    let line = format!("building {}", names.join(", "));
    std::thread::spawn(move || {
        if wait.recv_timeout(Duration::from_secs(5)) == Err(RecvTimeoutError::Timeout) {
            say(&line);
        }
    });
    finished
}

/// A program of this workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnProgram {
    /// The crate.
    pub package: &'static str,
    /// The program in it.
    pub name: &'static str,
}

/// The process that holds a test cluster: [`crate::keeper`].
pub(crate) fn keeper() -> Result<PathBuf> {
    let own = OwnProgram {
        package: env!("CARGO_PKG_NAME"),
        name: "test-cluster",
    };
    // Cargo builds it beside every test and bench of this crate (they lie in `deps`), and then it is fresh.
    let program = std::env::current_exe()?;
    let sibling = program
        .parent()
        .filter(|folder| folder.ends_with("deps"))
        .and_then(Path::parent)
        .map(|profile| profile.join(own.name))
        .filter(|path| path.exists());
    match sibling {
        Some(path) => Ok(path),
        None => Ok(build_own(&[own])?.remove(0)),
    }
}
