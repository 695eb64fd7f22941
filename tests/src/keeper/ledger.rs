//! What a keeper has started, written down before anything can go wrong with it: a file per keeper, which the
//! keeper holds locked while it lives. A ledger that can be locked belongs to a keeper that was killed.

use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::real_node;
use crate::cache;
use crate::process::{Process, ProcessId, end_all, end_together};

/// The folder and the processes of one cluster.
pub(crate) struct Ledger {
    file: File,
    path: PathBuf,
    folder: PathBuf,
    processes: Vec<Process>,
    /// The machine's one place for a real node, if this cluster has it.
    place: Option<File>,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Record {
    folder: PathBuf,
    processes: Vec<ProcessId>,
    real_node: bool,
}

impl Ledger {
    /// Makes the cluster's folder and notes it.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("kubeop-test-cluster-")
            .tempdir()?
            .keep();
        let runs = runs()?;
        let path = runs.join(folder.file_name().context("the temporary folder has no name")?);
        // Under the lock, so that nobody takes the file for a dead keeper's between making and locking it.
        let _lock = cache::lock(&runs.join(".lock"))?;
        let file = cache::open_lock(&path)?;
        file.lock()?;
        let mut ledger = Ledger {
            file,
            path,
            folder,
            processes: Vec::new(),
            place: None,
        };
        ledger.write()?;
        Ok(ledger)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the programs' logs go.
    pub fn logs(&self) -> Result<PathBuf> {
        let logs = self.folder.join("logs");
        fs::create_dir_all(&logs)?;
        Ok(logs)
    }

    /// Notes that the machine is about to be changed for a real node; the place is held until the cluster's end.
    pub fn hold(&mut self, place: File) -> Result<()> {
        self.place = Some(place);
        self.write()
    }

    /// Notes a process and keeps it.
    pub fn add(&mut self, process: Process) -> Result<()> {
        self.processes.push(process);
        self.write()
    }

    pub fn processes(&mut self) -> &mut [Process] {
        &mut self.processes
    }

    /// The process of this name.
    pub fn find(&mut self, name: &str) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.id.name == name)
    }

    /// Hands out the process of this name, whose end is then the caller's business.
    pub fn take(&mut self, name: &str) -> Result<Option<Process>> {
        let Some(index) = self.processes.iter().position(|process| process.id.name == name) else {
            return Ok(None);
        };
        let process = self.processes.remove(index);
        self.write()?;
        Ok(Some(process))
    }

    /// Ends the processes: etcd at the end, since the API server waits for it.
    pub fn end_processes(&mut self) {
        if let Some((etcd, others)) = self.processes.split_first_mut() {
            end_together(others);
            end_together(std::slice::from_mut(etcd));
        }
        self.processes.clear();
        if self.place.is_some() {
            real_node::clean(&self.folder);
        }
    }

    /// Removes what an earlier attempt left in the folder.
    pub fn empty_folder(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)?;
        Ok(fs::create_dir(&self.folder)?)
    }

    /// Ends everything and leaves nothing.
    pub fn end(mut self) {
        self.end_processes();
        // Kept on request: the logs of a cluster that a test found wanting.
        if std::env::var_os("KUBEOP_TEST_KEEP").is_some() {
            eprintln!("kept {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
        let _ = fs::remove_file(&self.path);
    }

    fn write(&mut self) -> Result<()> {
        let record = Record {
            folder: self.folder.clone(),
            processes: self.processes.iter().map(|process| process.id.clone()).collect(),
            real_node: self.place.is_some(),
        };
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&serde_json::to_vec(&record)?)?;
        Ok(())
    }
}

/// Ends what killed keepers left running, and removes their folders.
pub(crate) fn clean_up_after_killed() -> Result<()> {
    let runs = runs()?;
    let _lock = cache::lock(&runs.join(".lock"))?;
    for entry in fs::read_dir(&runs)? {
        let path = entry?.path();
        if path.ends_with(".lock") {
            continue;
        }
        let file = cache::open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // An empty one: killed before it had written, so before it had started anything.
        if let Ok(record) = serde_json::from_slice::<Record>(&fs::read(&path)?) {
            end_all(&record.processes);
            if record.real_node {
                real_node::clean(&record.folder);
            }
            let _ = fs::remove_dir_all(&record.folder);
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

fn runs() -> Result<PathBuf> {
    let runs = cache::folder()?.join("runs");
    fs::create_dir_all(&runs)?;
    Ok(runs)
}
