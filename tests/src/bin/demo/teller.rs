//! Prints commands and what they answer, and keeps count of what was shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use kubeop_tests::kubectl::Kubectl;
use kubeop_tests::{Cluster, Identity, KubeOp, Output};

/// Tells the story.
pub struct Teller {
    folder: PathBuf,
    kubectl: Kubectl,
    shown: Vec<Shown>,
}

/// One line of the summary.
struct Shown {
    what: String,
    /// What came instead, if it did not show.
    instead: Option<String>,
}

impl Teller {
    /// Commands run in a folder of the demo's own, where its files lie.
    pub fn new(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.folder().join("demo");
        fs::create_dir_all(&folder)?;
        let kubectl = cluster.kubectl_as(&Identity::admin())?.in_folder(&folder);
        Ok(Teller {
            folder,
            kubectl,
            shown: Vec::new(),
        })
    }

    /// A sentence or two between commands.
    pub fn say(&self, text: &str) {
        println!("\n{text}\n");
    }

    /// Writes a file and shows it.
    pub fn file(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.folder.join(name), text)?;
        println!("$ cat {name}\n{}\n", text.trim_end());
        Ok(())
    }

    /// Runs kubectl, and prints the command and its output.
    pub async fn kubectl(&self, args: &[&str]) -> Result<Output> {
        println!(
            "$ kubectl {}",
            args.iter().map(|arg| quoted(arg)).collect::<Vec<_>>().join(" ")
        );
        let output = self.quiet_kubectl(args).await?;
        print!("{}{}", output.stdout, output.stderr);
        if !output.stdout.ends_with('\n') && output.stderr.is_empty() {
            println!();
        }
        Ok(output)
    }

    /// Runs kubectl to check something.
    pub async fn quiet_kubectl(&self, args: &[&str]) -> Result<Output> {
        self.kubectl.run(args.iter().copied()).await
    }

    /// Notes that something was shown, or what came instead.
    pub fn check(&mut self, what: &str, shown: bool, instead: &str) {
        let instead = (!shown).then(|| instead.trim().to_owned());
        if let Some(instead) = &instead {
            println!("!! not shown: {what}: {instead}");
        }
        self.shown.push(Shown {
            what: what.to_owned(),
            instead,
        });
    }

    /// Notes that all of these stand in a text.
    pub fn check_says(&mut self, what: &str, text: &str, wanted: &[&str]) {
        let missing: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|wanted| !text.contains(wanted))
            .collect();
        self.check(
            what,
            missing.is_empty(),
            &format!("{missing:?} missing in: {text}"),
        );
    }

    /// Notes that something was not shown.
    pub fn fail(&mut self, what: &str, instead: &str) {
        self.check(what, false, instead);
    }

    /// Prints the table; whether everything was shown.
    pub fn summary(&self, took: Duration) -> bool {
        println!("\nWhat was shown, in {:.0} s:\n", took.as_secs_f64());
        for shown in &self.shown {
            let mark = if shown.instead.is_none() { "yes" } else { "NO " };
            println!("  {mark}  {}", shown.what);
        }
        let failed = self.shown.iter().filter(|shown| shown.instead.is_some()).count();
        println!("\n{} of {} shown.", self.shown.len() - failed, self.shown.len());
        failed == 0
    }

    /// The programs' last words, after something went wrong.
    pub fn print_logs(&self, kubeop: &KubeOp<'_>) {
        for log in [kubeop.webhook_log(), kubeop.controller_log()] {
            println!("\nthe last lines of {}:\n{}", log.display(), last_lines(&log));
        }
    }
}

fn last_lines(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
