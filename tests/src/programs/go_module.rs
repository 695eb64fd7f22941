//! Builds Kubernetes, etcd and kwok from source with Go: once per machine, into the user's cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};

use super::{Programs, STAGES, say};

const PROGRESS: Duration = Duration::from_secs(15);

/// The Go module that names the programs' versions.
pub(super) struct Module {
    folder: PathBuf,
    go_mod: String,
}

impl Module {
    pub fn here() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster");
        let go_mod = fs::read_to_string(folder.join("go.mod")).context("cannot read tests/cluster/go.mod")?;
        Ok(Module { folder, go_mod })
    }

    /// Names the cache folder: another version is another folder.
    pub fn key(&self) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(&self.go_mod);
        hash.update(fs::read(self.folder.join("go.sum")).context("cannot read tests/cluster/go.sum")?);
        Ok(hash
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// The word after this one at the start of a line of go.mod.
    fn line(&self, start: &str) -> Result<&str> {
        self.go_mod
            .lines()
            .find_map(|line| line.trim().strip_prefix(start))
            .and_then(|rest| rest.split_whitespace().next())
            .with_context(|| format!("tests/cluster/go.mod has no line {start:?}"))
    }

    pub fn build(&self, packages: &[(&str, &str)], programs: &Programs) -> Result<()> {
        self.require_go()?;
        let parent = programs
            .folder
            .parent()
            .context("the cache folder has no parent")?;
        remove_unfinished(parent)?;
        // Renamed file by file when all is there: a build that is killed leaves nothing half.
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent)?;
        let missing: Vec<_> = packages
            .iter()
            .copied()
            .filter(|(_, program)| !programs.path(program).exists())
            .collect();
        if !missing.is_empty() {
            self.install(&missing, unfinished.path())?;
        }
        fs::create_dir_all(programs.folder.join("bin"))?;
        for (_, program) in missing {
            fs::rename(unfinished.path().join(program), programs.path(program))
                .with_context(|| format!("go install made no {program}"))?;
        }
        self.copy_stages(programs)
    }

    fn copy_stages(&self, programs: &Programs) -> Result<()> {
        let output = self
            .go()
            .args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])
            .output()?;
        ensure!(
            output.status.success(),
            "go list: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let module = PathBuf::from(String::from_utf8(output.stdout)?.trim()).join("kustomize/stage");
        fs::create_dir_all(programs.folder.join("stages"))?;
        for stage in STAGES {
            let from = module.join(stage);
            let text = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
            fs::write(programs.stage(stage), text)?;
        }
        Ok(())
    }

    fn install(&self, packages: &[(&str, &str)], into: &Path) -> Result<()> {
        let version = self.line("require k8s.io/kubernetes ")?;
        let mut parts = version.trim_start_matches('v').split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let variable = "-X k8s.io/component-base/version.git";
        let log_path = into.join("build.log");
        let log = File::create(&log_path)?;
        let mut go = self
            .go()
            .args(["install", "-trimpath", "-ldflags"])
            .arg(format!(
                "-s -w {variable}Version={version} {variable}Major={major} {variable}Minor={minor}"
            ))
            .args(packages.iter().map(|(package, _)| package))
            .env("CGO_ENABLED", "0")
            .env("GOBIN", into)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let names: Vec<_> = packages.iter().map(|(_, program)| *program).collect();
        say(&format!(
            "building Kubernetes {version} for the test cluster ({}): once per machine, 4 to 10 minutes",
            names.join(", ")
        ));
        let start = Instant::now();
        let mut told = start;
        let status = loop {
            if let Some(status) = go.try_wait()? {
                break status;
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let done = names.iter().filter(|name| into.join(name).exists()).count();
                let seconds = start.elapsed().as_secs();
                say(&format!(
                    "building the test cluster: {seconds} s, {done} of {} programs",
                    names.len()
                ));
            }
            std::thread::sleep(Duration::from_millis(200));
        };
        if !status.success() {
            bail!(
                "go install failed ({status}):\n{}",
                fs::read_to_string(&log_path).unwrap_or_default()
            );
        }
        say(&format!(
            "built the test cluster's programs in {} s",
            start.elapsed().as_secs()
        ));
        Ok(())
    }

    fn require_go(&self) -> Result<()> {
        let wanted = self.line("go ")?;
        let how = format!(
            "the test cluster's programs (kube-apiserver, etcd, ...) are built from source with Go {wanted} or \
             newer. Get it from https://go.dev/dl/, unpack it to /usr/local and put /usr/local/go/bin on PATH"
        );
        let output = match self.go().args(["env", "GOVERSION"]).output() {
            Ok(output) => output,
            Err(error) => return Err(anyhow!("no program `go` on PATH ({error}): {how}")),
        };
        // An older go may refuse the module's go.mod before it tells its version.
        let found = String::from_utf8_lossy(&output.stdout)
            .trim()
            .trim_start_matches("go")
            .to_owned();
        ensure!(
            output.status.success() && number(&found) >= number(wanted),
            "the `go` on PATH is too old (found {}): {how}",
            if found.is_empty() {
                String::from_utf8_lossy(&output.stderr).trim().to_owned()
            } else {
                found
            },
        );
        Ok(())
    }

    fn go(&self) -> Command {
        let mut go = Command::new("go");
        go.current_dir(&self.folder);
        if std::env::var_os("GOTOOLCHAIN").is_none() {
            // Say what is missing rather than download another Go in silence.
            go.env("GOTOOLCHAIN", "local");
        }
        go
    }
}

const UNFINISHED: &str = "unfinished-";

/// What killed builds left; only under the lock.
fn remove_unfinished(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// `1.26.8` as numbers that compare.
fn number(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions_compare_by_number() {
        assert!(number("1.26.8") >= number("1.26.0"));
        assert!(
            number("1.26") < number("1.26.0"),
            "1.26rc1 and 1.26 are older than 1.26.0"
        );
        assert!(number("1.9") < number("1.26"));
    }
}
