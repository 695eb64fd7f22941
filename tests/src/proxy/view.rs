//! What of the cluster a program sees: all of it, or one project.

use anyhow::Result;
use http::Uri;

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
    pub(super) fn uri_of(&self, call: &Entry) -> Result<Uri> {
        let over_all = matches!(call.verb.as_str(), "list" | "watch") && call.namespace.is_none();
        let View::Project { project, namespace } = self else {
            return Ok(call.uri.parse()?);
        };
        if !over_all {
            return Ok(call.uri.parse()?);
        }
        let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
        let named = |name: &str| format!("{path}?fieldSelector=metadata.name%3D{name}&{query}");
        let uri = match call.resource.as_str() {
            "projects" => named(project),
            "namespaces" => named(namespace),
            // Of no namespace.
            "tenants" | "customresourcedefinitions" => call.uri.clone(),
            resource => {
                let start = path.strip_suffix(resource).unwrap_or(path);
                format!("{start}namespaces/{namespace}/{resource}?{query}")
            }
        };
        Ok(uri.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "list",
        "jobs",
        "/apis/batch/v1/jobs?limit=5",
        "/apis/batch/v1/namespaces/kubeop-a/jobs?limit=5"
    )]
    #[case(
        "watch",
        "namespaces",
        "/api/v1/namespaces?watch=true",
        "/api/v1/namespaces?fieldSelector=metadata.name%3Dkubeop-a&watch=true"
    )]
    #[case(
        "list",
        "projects",
        "/apis/g/v1/projects?",
        "/apis/g/v1/projects?fieldSelector=metadata.name%3Da&"
    )]
    #[case("get", "projects", "/apis/g/v1/projects/b", "/apis/g/v1/projects/b")]
    fn lists_over_all_namespaces_are_narrowed(
        #[case] verb: &str,
        #[case] resource: &str,
        #[case] uri: &str,
        #[case] leads_to: &str,
    ) {
        let call = Entry {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            uri: uri.to_owned(),
            ..Entry::default()
        };
        let view = View::Project {
            project: "a".to_owned(),
            namespace: "kubeop-a".to_owned(),
        };
        assert_eq!(view.uri_of(&call).unwrap(), leads_to);
        assert_eq!(View::Whole.uri_of(&call).unwrap(), uri);
    }
}
