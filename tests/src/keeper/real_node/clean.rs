//! The end of a real node, whether its keeper ended it or was killed: nothing here needs a program of the node to
//! answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};

use super::{cgroups, network, runtime};
use crate::process::ProcessId;

/// How long the kernel may take to end what was killed.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where kubelet links the logs of containers, whatever it is told.
const LOG_LINKS: &str = "/var/log/containers";

/// Ends what still runs of the node whose files are in this folder, and takes back what it did to the machine. All
/// of it is tried, whatever fails: what is left is for the next clean-up.
pub(crate) fn clean(folder: &Path) {
    let start = Instant::now();
    // Containers first: without their shims they would be nobody's.
    while start.elapsed() < DEADLINE {
        let running: Vec<ProcessId> = cgroups::pids()
            .into_iter()
            .chain(processes_that_name(folder))
            .filter_map(ProcessId::running)
            .collect();
        if running.is_empty() {
            break;
        }
        running.iter().for_each(ProcessId::kill_alone);
        std::thread::sleep(Duration::from_millis(50));
    }
    remove_shim_sockets(&folder.join(runtime::STATE));
    for mount in mounts_below(folder) {
        let _ = unmount(&mount, UnmountFlags::DETACH);
    }
    network::remove(folder);
    cgroups::remove();
    for entry in fs::read_dir(LOG_LINKS).into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(folder)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Processes with the folder in their command line: containerd and its shims. The folder's name is random.
fn processes_that_name(folder: &Path) -> Vec<i32> {
    let wanted = folder.display().to_string();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("containerd") && line.contains(&wanted)
        })
        .collect()
}

/// The shims' sockets lie outside the folder, under a name that only the shim's own note tells.
fn remove_shim_sockets(state: &Path) {
    let tasks = state.join("io.containerd.runtime.v2.task/k8s.io");
    for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
        let address = fs::read_to_string(task.path().join("address")).unwrap_or_default();
        if let Some(socket) = address.trim().strip_prefix("unix://") {
            let _ = fs::remove_file(socket);
        }
    }
}

/// Mount points below the folder, the inner ones first.
fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    let mut mounts: Vec<PathBuf> = fs::read_to_string("/proc/self/mounts")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split(' ').nth(1).map(PathBuf::from))
        .filter(|mount| mount.starts_with(folder))
        .collect();
    mounts.reverse();
    mounts
}
