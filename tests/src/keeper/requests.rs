//! What a test may ask of the keeper once the cluster is ready: to run programs that shall end with it. One line of
//! JSON on stdin, one on stdout in answer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use crate::process::Process;

/// One line on the keeper's stdin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Start a program.
    Start(Program),
    /// End one, by name.
    End(String, Ending),
    /// Tell whether one still runs.
    State(String),
}

/// A program to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    /// Names it and its log, `<name>.log` in the cluster's logs. Started again, it appends to the same log.
    pub name: String,
    /// The file to run.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Added to the environment.
    pub env: Vec<(String, String)>,
}

/// How a program is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// SIGTERM, and SIGKILL after a few seconds.
    Asked,
    /// SIGKILL.
    Killed,
}

/// One line on the keeper's stdout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// It runs, with this process id.
    Runs(i32),
    /// It has ended; how, if it was not asked to.
    Ended(Option<String>),
    /// The request could not be met.
    Failed(String),
}

/// Does what is asked.
pub(super) fn answer(line: &str, logs: &std::path::Path, ledger: &mut Ledger) -> Answer {
    let answer = serde_json::from_str(line)
        .with_context(|| format!("not a request: {line}"))
        .and_then(|request| meet(request, logs, ledger));
    answer.unwrap_or_else(|error| Answer::Failed(format!("{error:#}")))
}

fn meet(request: Request, logs: &std::path::Path, ledger: &mut Ledger) -> Result<Answer> {
    match request {
        Request::Start(program) => {
            if ledger.find(&program.name).is_some() {
                bail!("{} runs already", program.name);
            }
            let mut command = Command::new(&program.path);
            command
                .args(&program.args)
                .envs(program.env.iter().map(|(name, value)| (name, value)));
            let process = Process::start(&program.name, logs, &mut command)?;
            let pid = process.id.pid;
            ledger.add(process)?;
            Ok(Answer::Runs(pid))
        }
        Request::End(name, how) => {
            let mut process = ledger
                .take(&name)?
                .with_context(|| format!("{name} does not run"))?;
            match how {
                Ending::Asked => process.end()?,
                Ending::Killed => process.kill()?,
            };
            Ok(Answer::Ended(None))
        }
        Request::State(name) => {
            let process = ledger
                .find(&name)
                .with_context(|| format!("{name} does not run"))?;
            Ok(match process.ended()? {
                None => Answer::Runs(process.id.pid),
                Some(status) => Answer::Ended(Some(status.to_string())),
            })
        }
    }
}
