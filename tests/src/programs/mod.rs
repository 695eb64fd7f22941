//! What the tests run: the programs of a test cluster, and this workspace's own.

mod go_module;
mod own;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use go_module::Module;
pub use own::{OwnProgram, build_own};
pub(crate) use own::{keeper, target_folder};

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

/// Tells the person in front of the terminal, past the test runner's capture of output.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
