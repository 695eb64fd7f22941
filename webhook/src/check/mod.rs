//! `kubeop-webhook check`: what admission would say about manifests, from files and without a cluster.
//!
//! `files` finds and reads them; `registrations` says which of them the API server would send here; `known` holds the
//! Projects and Tenants that rules ask for; `judge` asks the rules as the server does; `output` prints. `cluster` is
//! only for `--context`.

mod args;
mod cluster;
mod files;
mod judge;
mod known;
mod output;
mod registrations;
mod report;

pub use args::{CheckArgs, Output};

use files::File;
use judge::Judge;
use known::Known;
use kubeop_shared::api::names::GROUP;
use registrations::Registrations;
use report::Report;
use std::io::Write;
use std::process::ExitCode;

/// Where objects are created that name no namespace: what kubectl takes where its context names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Why nothing could be checked at all.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    /// The cluster that `--context` names did not answer what was asked.
    #[error("--context {context}: {what}: {source}")]
    Cluster {
        context: String,
        what: &'static str,
        source: Box<dyn std::error::Error>,
    },
    /// The cluster does not say which registries are allowed.
    #[error(
        "--context {context}: {why}, so its allowlist is not known. Say --image-allowlist, as KUBEOP_IMAGE_ALLOWLIST \
         has it there."
    )]
    NoAllowlist { context: String, why: String },
    /// A bug: the registrations are part of the program.
    #[error("the registrations that this program was built with cannot be read: {0}")]
    Registrations(serde_json::Error),
}

/// Checks, prints what admission would say, and returns 0 where all is allowed, 1 where something is refused, 2 where
/// something cannot be read.
pub async fn run(args: &CheckArgs) -> ExitCode {
    match check(args).await {
        Ok(report) => {
            // Who closes the pipe has seen enough.
            let _ = std::io::stdout().write_all(output::page(&report, args.output).as_bytes());
            eprintln!("{}", report.summary());
            ExitCode::from(report.status())
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn check(args: &CheckArgs) -> Result<Report, CheckError> {
    let registrations = Registrations::shipped().map_err(CheckError::Registrations)?;
    let mut known = Known::new(args.cluster_id.clone(), args.image_allowlist.clone());
    let mut namespace = DEFAULT_NAMESPACE.to_owned();
    if let Some(context) = &args.context {
        namespace = cluster::read(context, args, &mut known).await?;
    }
    let namespace = args.namespace.clone().unwrap_or(namespace);
    let mut report = Report::default();
    // Later ones hold: what is to be applied is newer than what is there.
    for file in files::read(args.tenant.iter().chain(&args.project)) {
        learn(&mut known, &file, &namespace, &mut report);
        report.unreadable.extend(file.unreadable);
    }
    let files = files::read(&args.files);
    for file in &files {
        learn(&mut known, file, &namespace, &mut report);
    }
    let judge = Judge {
        known: &known,
        registrations: &registrations,
        namespace: &namespace,
        user: &args.user,
    };
    for file in files {
        for object in &file.objects {
            match judge.judge(&file.name, object) {
                Some(judged) => report.judged.push(judged),
                None => report.passed_over += 1,
            }
        }
        report.passed_over += file.passed_over;
        report.unreadable.extend(file.unreadable);
    }
    Ok(report)
}

/// Keeps the Projects, Tenants and `DNSRecords` of a file. One that cannot be read counts as absent, and is told.
fn learn(known: &mut Known, file: &File, namespace: &str, report: &mut Report) {
    for object in file.objects.iter().filter(|object| object.gvk.group == GROUP) {
        if let Err(error) = known.learn(object, namespace) {
            let kind = &object.gvk.kind;
            let why = format!("the {kind} does not have the form of its kind: {error}");
            report.cannot_read(&file.name, Some(object.line), why);
        }
    }
}
