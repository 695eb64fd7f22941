//! Child processes that are always ended: each in its own process group, told by pid *and* start time, so that a
//! reused pid is never killed.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

/// How long a process may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// A process that lasts beyond the one that noted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub name: String,
    pub pid: i32,
    /// Clock ticks since boot: field 22 of `/proc/<pid>/stat`, see proc(5).
    pub start: u64,
}

impl ProcessId {
    fn of(name: &str, pid: u32) -> Result<Self> {
        let pid = i32::try_from(pid)?;
        let start = start_time(pid).with_context(|| format!("{name} (pid {pid}) is gone already"))?;
        Ok(ProcessId {
            name: name.to_owned(),
            pid,
            start,
        })
    }

    /// A process that runs, of any name.
    pub fn running(pid: i32) -> Option<Self> {
        let start = start_time(pid)?;
        Some(ProcessId {
            name: String::new(),
            pid,
            start,
        })
    }

    /// Kills the process, and nothing that it started.
    pub fn kill_alone(&self) {
        if self.is_alive()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Whether this very process still runs (a zombie does not).
    pub fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.start)
    }

    /// Sends a signal to the process and all that it started, if it is still that process.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            // It may end between the two lines; then there is nothing left to do.
            let _ = kill_process_group(pid, signal);
        }
    }
}

fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name (field 2) stands in brackets and may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Ends these together: asked first, killed after a few seconds. Returns when all are gone.
pub(crate) fn end_all(processes: &[ProcessId]) {
    for process in processes {
        process.signal(Signal::TERM);
    }
    let asked = Instant::now();
    while processes.iter().any(ProcessId::is_alive) {
        if asked.elapsed() > GRACE {
            processes.iter().for_each(|process| process.signal(Signal::KILL));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running child with its log file.
pub(crate) struct Process {
    pub id: ProcessId,
    pub log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it with stdout and stderr appended to `<logs>/<name>.log`.
    pub fn start(name: &str, logs: &Path, command: &mut Command) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let file = File::options().append(true).create(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Process {
            id: ProcessId::of(name, child.id())?,
            log,
            child,
        })
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        tail(&self.log, 30)
    }

    /// Asks it to end, kills it after a few seconds, and waits until it is gone.
    pub fn end(&mut self) -> Result<ExitStatus> {
        self.id.signal(Signal::TERM);
        self.wait_or_kill()
    }

    /// Kills it without asking.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.id.signal(Signal::KILL);
        Ok(self.child.wait()?)
    }

    fn wait_or_kill(&mut self) -> Result<ExitStatus> {
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill()
    }
}

/// Ends several at once.
pub(crate) fn end_together(processes: &mut [Process]) {
    for process in processes.iter() {
        process.id.signal(Signal::TERM);
    }
    for process in processes {
        let _ = process.wait_or_kill();
    }
}

/// The last lines of a text file; empty if there is none.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_pid_is_not_the_same_process() {
        let own = ProcessId::of("self", std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(
            !ProcessId {
                start: own.start + 1,
                ..own
            }
            .is_alive()
        );
    }
}
