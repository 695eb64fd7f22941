//! Builds what the tests run: Kubernetes, etcd and kwok from source with Go (once per machine, into the user's
//! cache), and this workspace's own programs with cargo (once per run).

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};

use crate::cache;

/// What a cluster consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Control plane and nodes that pretend.
    ControlPlane,
    /// Besides, what a real node runs.
    RealNode,
}

/// The Go packages of a level, and what Go calls their programs.
const CONTROL_PLANE: [(&str, &str); 6] = [
    ("go.etcd.io/etcd/server/v3", "server"),
    ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
    (
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-controller-manager",
    ),
    ("k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
    ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
    ("sigs.k8s.io/kwok/cmd/kwok", "kwok"),
];
const REAL_NODE: [(&str, &str); 2] = [
    ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
    ("k8s.io/kubernetes/cmd/kube-proxy", "kube-proxy"),
];

/// kwok's own Stage documents that every cluster uses; see [`crate::fake`] for ours.
const STAGES: [&str; 5] = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

const PROGRESS: Duration = Duration::from_secs(15);

/// The programs of a test cluster, built.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Finds the programs of this level in the cache, or builds them: 4 to 10 minutes on two cores, once per
    /// machine and version. Two processes that ask at the same time build once.
    pub fn ensure(level: Level) -> Result<Programs> {
        let module = Module::here()?;
        let programs = Programs {
            folder: cache::folder()?.join(module.key()?),
        };
        let packages = match level {
            Level::ControlPlane => CONTROL_PLANE.to_vec(),
            Level::RealNode => [CONTROL_PLANE.as_slice(), REAL_NODE.as_slice()].concat(),
        };
        if programs.has(&packages) {
            return Ok(programs);
        }
        let _lock = cache::lock(&cache::folder()?.join("build.lock"))?;
        if !programs.has(&packages) {
            module.build(&packages, &programs)?;
        }
        Ok(programs)
    }

    /// The path of a program: `kubectl`, `kube-apiserver`, `server` (etcd)...
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// kwok's Stage documents, in one text.
    pub(crate) fn stages(&self) -> Result<String> {
        let documents: Result<Vec<String>> = STAGES
            .iter()
            .map(|stage| {
                let path = self.stage(stage);
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
            })
            .collect();
        Ok(documents?.join("\n---\n"))
    }

    fn stage(&self, name: &str) -> PathBuf {
        self.folder.join("stages").join(name.replace('/', "-"))
    }

    fn has(&self, packages: &[(&str, &str)]) -> bool {
        packages.iter().all(|(_, program)| self.path(program).exists())
            && STAGES.iter().all(|stage| self.stage(stage).exists())
    }
}

/// The Go module that names the programs' versions.
struct Module {
    folder: PathBuf,
    go_mod: String,
}

impl Module {
    fn here() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster");
        let go_mod = fs::read_to_string(folder.join("go.mod")).context("cannot read tests/cluster/go.mod")?;
        Ok(Module { folder, go_mod })
    }

    /// Names the cache folder: another version is another folder.
    fn key(&self) -> Result<String> {
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

    fn build(&self, packages: &[(&str, &str)], programs: &Programs) -> Result<()> {
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

/// Tells the person in front of the terminal, past the test runner's capture of output.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

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
    for program in programs {
        command.args(["-p", program.package, "--bin", program.name]);
    }
    let output = command.output().context("cannot run cargo")?;
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
