//! What of the cluster a program sees: all of it, or one project.

use anyhow::Result;
use http::Uri;

use super::scopes::Scopes;
use crate::audit::Entry;

/// What a program sees of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// All of it.
    Whole,
    /// One project and its namespace: lists and watches over all namespaces hold nothing else. So several
    /// controllers work on one cluster without knowing of each other.
    Project {
        /// Name of the Project.
        project: String,
        /// Its namespace.
        namespace: String,
    },
}

impl View {
    /// Where a call leads.
    pub(super) async fn uri_of(&self, upstream: &kube::Client, scopes: &Scopes, call: &Entry) -> Result<Uri> {
        let View::Project { project, namespace } = self else {
            return Ok(call.uri.parse()?);
        };
        let narrowed = if scopes.is_over_all_namespaces(upstream, call).await? {
            within(namespace, call)
        } else {
            match (call.verb.as_str(), call.resource.as_str()) {
                ("list" | "watch", "projects") => named(project, call),
                ("list" | "watch", "namespaces") => named(namespace, call),
                _ => call.uri.clone(),
            }
        };
        Ok(narrowed.parse()?)
    }
}

/// A list of one object.
fn named(name: &str, call: &Entry) -> String {
    let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
    format!("{path}?fieldSelector=metadata.name%3D{name}&{query}")
}

/// A list of one namespace.
fn within(namespace: &str, call: &Entry) -> String {
    let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
    let resource = &call.resource;
    let start = path.strip_suffix(resource).unwrap_or(path);
    format!("{start}namespaces/{namespace}/{resource}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(resource: &str, uri: &str) -> Entry {
        Entry {
            verb: "list".to_owned(),
            resource: resource.to_owned(),
            uri: uri.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_asked_besides_stays() {
        assert_eq!(
            within("kubeop-a", &call("jobs", "/apis/batch/v1/jobs?limit=5")),
            "/apis/batch/v1/namespaces/kubeop-a/jobs?limit=5"
        );
        assert_eq!(
            named("a", &call("projects", "/apis/g/v1/projects?watch=true")),
            "/apis/g/v1/projects?fieldSelector=metadata.name%3Da&watch=true"
        );
        assert_eq!(
            named("a", &call("namespaces", "/api/v1/namespaces")),
            "/api/v1/namespaces?fieldSelector=metadata.name%3Da&"
        );
    }
}
