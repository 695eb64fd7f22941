//! Programs from PyPI that a test runs: in a virtual environment of their own, made once per machine and version.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::cache;

/// Installs what `requirements` name, each with its version; the folder of their programs. None: there is no Python here
/// that can.
pub fn environment(requirements: &str) -> Result<Option<PathBuf>> {
    // Debian has the first without the second.
    let can = Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let digest = Sha256::digest(requirements.as_bytes());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = cache::folder()?.join(format!("python-{name}"));
    let done = folder.join("done");
    if done.exists() {
        return Ok(Some(folder.join("bin")));
    }
    let _lock = cache::lock(&folder.with_extension("lock"))?;
    if !done.exists() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let listed = folder.join("requirements.txt");
        std::fs::write(&listed, requirements)?;
        run(Command::new(folder.join("bin/pip"))
            .args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&listed))?;
        std::fs::write(&done, "")?;
    }
    Ok(Some(folder.join("bin")))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}
