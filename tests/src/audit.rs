//! The API server's audit log: who asked for what, and how it was answered.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::identity::Identity;

/// The audit log of a cluster. The API server writes an entry before it answers, so what a test has seen answered
/// is in it.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
    from: u64,
}

impl AuditLog {
    pub(crate) fn whole(path: &Path) -> Self {
        AuditLog {
            path: path.to_owned(),
            from: 0,
        }
    }

    /// The log from here on: what is written later.
    pub fn from_now(&self) -> Result<Self> {
        let from = std::fs::metadata(&self.path).context("no audit log")?.len();
        Ok(AuditLog {
            path: self.path.clone(),
            from,
        })
    }

    /// All finished requests.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut file = File::open(&self.path).context("no audit log")?;
        file.seek(SeekFrom::Start(self.from.saturating_sub(1)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // The last line may be half written, and so was the one that was the last when this began.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let later = match self.from {
            0 => whole,
            _ => whole.split_once('\n').map_or("", |(_, later)| later),
        };
        later
            .lines()
            .map(|line| serde_json::from_str::<Raw>(line).with_context(|| format!("audit log: {line}")))
            .filter(|raw| raw.as_ref().map_or(true, |raw| raw.stage == "ResponseComplete"))
            .map(|raw| raw.map(Entry::from))
            .collect()
    }

    /// The requests of kubeOP's identities, deployers included, that count as calls: see [`Entry::is_call`].
    pub fn kubeop_calls(&self) -> Result<Vec<Entry>> {
        let kubeop = [Identity::controller(), Identity::webhook()];
        Ok(self
            .entries()?
            .into_iter()
            .filter(|entry| kubeop.iter().any(|identity| identity.user == entry.user) && entry.is_call())
            .collect())
    }

    /// Those of [`Self::kubeop_calls`] that write.
    pub fn kubeop_writes(&self) -> Result<Vec<Entry>> {
        Ok(self.kubeop_calls()?.into_iter().filter(Entry::is_write).collect())
    }
}

/// One answered request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Whose credentials asked.
    pub user: String,
    /// Whom they acted as, if not as themselves.
    pub impersonated: Option<String>,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// API group; empty for core.
    pub group: String,
    /// Plural name; empty for requests that are about no resource (`/healthz`).
    pub resource: String,
    /// `status`, `scale`...
    pub subresource: Option<String>,
    /// Namespace, where there is one.
    pub namespace: Option<String>,
    /// Name, where there is one (a `create` has none before it is answered).
    pub name: Option<String>,
    /// HTTP status of the answer.
    pub code: u16,
    /// Whether the request said `dryRun=All`.
    pub dry_run: bool,
    /// Path and query.
    pub uri: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// When the API server received it: RFC 3339 in UTC with microseconds, which sorts as text.
    pub received: String,
    /// What was asked for, where the audit log has it: see [`crate::options::Audit::Bodies`].
    pub body: Option<Value>,
}

impl Entry {
    /// Whether it counts against a budget: not watches, Leases, Events, health endpoints and SelfSubject reviews.
    pub fn is_call(&self) -> bool {
        let uncounted = match (self.group.as_str(), self.resource.as_str()) {
            ("coordination.k8s.io", "leases") | ("" | "events.k8s.io", "events") => true,
            ("authorization.k8s.io" | "authentication.k8s.io", review) => review.starts_with("selfsubject"),
            ("", "") => ["/healthz", "/livez", "/readyz"]
                .iter()
                .any(|path| self.uri.starts_with(path)),
            _ => false,
        };
        self.verb != "watch" && !uncounted
    }

    /// Whether it changes something (a refused one counts).
    pub fn is_write(&self) -> bool {
        ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str())
            && !self.dry_run
    }

    /// Who acted: the impersonated user, if any.
    pub fn actor(&self) -> &str {
        self.impersonated.as_deref().unwrap_or(&self.user)
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        write!(f, " {}", self.name.as_deref().unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: RawUser,
    impersonated_user: Option<RawUser>,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    request_received_timestamp: String,
    request_object: Option<Value>,
    object_ref: Option<RawObject>,
    response_status: Option<RawStatus>,
}

#[derive(Deserialize)]
struct RawUser {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawObject {
    api_group: String,
    resource: String,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default)]
    code: u16,
}

impl From<Raw> for Entry {
    fn from(raw: Raw) -> Self {
        let object = raw.object_ref.unwrap_or_default();
        Entry {
            user: raw.user.username,
            impersonated: raw.impersonated_user.map(|user| user.username),
            verb: raw.verb,
            group: object.api_group,
            resource: object.resource,
            subresource: object.subresource,
            namespace: object.namespace,
            name: object.name,
            code: raw.response_status.map_or(0, |status| status.code),
            dry_run: raw.request_uri.contains("dryRun=All"),
            uri: raw.request_uri,
            user_agent: raw.user_agent,
            received: raw.request_received_timestamp,
            body: raw.request_object,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_that_are_being_written_are_left_out_whole() {
        let line = |verb: &str| {
            format!(r#"{{"stage":"ResponseComplete","requestURI":"/","verb":"{verb}","user":{{}}}}"#) + "\n"
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut write = |text: &str| file.as_file_mut().write_all(text.as_bytes()).unwrap();
        let verbs = |log: &AuditLog| -> Vec<String> {
            let entries = log.entries().unwrap();
            entries.into_iter().map(|entry| entry.verb).collect()
        };
        let (whole, half) = (line("get"), line("list"));
        let (start, end) = half.split_at(30);
        write(&whole);
        write(start);
        let path = file.path().to_owned();
        let all = AuditLog::whole(&path);
        let later = all.from_now().unwrap();
        assert_eq!(verbs(&all), ["get"]);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(end.as_bytes()).unwrap();
        let from_here = all.from_now().unwrap();
        file.write_all(line("watch").as_bytes()).unwrap();
        assert_eq!(verbs(&all), ["get", "list", "watch"]);
        assert_eq!(verbs(&later), ["watch"]);
        assert_eq!(verbs(&from_here), ["watch"]);
    }
}
