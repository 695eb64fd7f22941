//! The cgroup that all containers of the node live in: what is in it is ours to kill.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The cgroup's name, below the root of each hierarchy.
pub(super) const NAME: &str = "kubeop-test";

const MOUNTED: &str = "/sys/fs/cgroup";

/// Makes the cgroup: in every hierarchy of cgroup v1, or in the one of v2.
pub(super) fn make() -> Result<()> {
    for root in roots()? {
        let folder = root.join(NAME);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the cgroup {}", folder.display()))?;
    }
    Ok(())
}

/// The processes in the cgroup and below it.
pub(super) fn pids() -> Vec<i32> {
    let mut pids = Vec::new();
    for root in roots().unwrap_or_default() {
        visit(&root.join(NAME), &mut |folder| {
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        });
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Removes the cgroup, once nothing runs in it.
pub(super) fn remove() {
    for root in roots().unwrap_or_default() {
        visit(&root.join(NAME), &mut |folder| {
            // One that is still busy stays; the next clean-up removes it.
            let _ = fs::remove_dir(folder);
        });
    }
}

/// Calls this for each folder below and then for the folder itself.
fn visit(folder: &Path, each: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
    {
        visit(&entry.path(), each);
    }
    each(folder);
}

fn roots() -> Result<Vec<PathBuf>> {
    let mounted = Path::new(MOUNTED);
    if mounted.join("cgroup.controllers").exists() {
        return Ok(vec![mounted.to_owned()]);
    }
    let mut roots = Vec::new();
    for entry in fs::read_dir(mounted).context("no cgroups are mounted")? {
        let path = entry?.path();
        // `cpu` may be a link to `cpu,cpuacct`.
        if !path.is_symlink() && path.join("cgroup.procs").exists() {
            roots.push(path);
        }
    }
    Ok(roots)
}
