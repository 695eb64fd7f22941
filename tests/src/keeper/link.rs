//! The test process's end of the pipe to its keeper.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::requests::{Answer, Request};
use super::{Report, Task};
use crate::process::tail;
use crate::programs;

/// How long the keeper may take to end its cluster.
const END: Duration = Duration::from_secs(20);

/// A running keeper. It ends when this is dropped, or with this process.
pub(crate) struct Link {
    keeper: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Link {
    /// Starts a keeper and waits until what it holds is ready.
    pub fn start(task: &Task) -> Result<(Link, Report)> {
        let log = tempfile::NamedTempFile::new()?;
        let mut keeper = Command::new(programs::keeper()?)
            .arg(serde_json::to_string(task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            .spawn()
            .context("cannot start the cluster's keeper")?;
        let stdin = keeper.stdin.take();
        let mut stdout = BufReader::new(keeper.stdout.take().context("the keeper has no stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Ok(report) = serde_json::from_str(&line) else {
            bail!("the cluster's keeper gave up: {line}{}", tail(log.path(), 30));
        };
        Ok((
            Link {
                keeper,
                stdin,
                stdout,
            },
            report,
        ))
    }

    /// The keeper's process id.
    pub fn pid(&self) -> u32 {
        self.keeper.id()
    }

    /// Asks and waits for the answer; an end takes up to a few seconds.
    pub fn ask(&mut self, request: &Request) -> Result<Answer> {
        let stdin = self.stdin.as_mut().context("the keeper is being ended")?;
        writeln!(stdin, "{}", serde_json::to_string(request)?).context("the keeper is gone")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        match serde_json::from_str(&line).with_context(|| format!("the keeper said {line:?}"))? {
            Answer::Failed(reason) => bail!(reason),
            answer => Ok(answer),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < END {
            if !matches!(self.keeper.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // It is stuck; the next one cleans up after it.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
