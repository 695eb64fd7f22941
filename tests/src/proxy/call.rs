//! What a request asks, read from its head as the API server reads it.

use http::request::Parts;
use serde_json::Value;

use crate::audit::Entry;

/// Reads a request of this user. The answer's code is not known yet: 0.
pub(super) fn read(user: &str, parts: &Parts, body: &[u8]) -> Entry {
    let header = |name: &str| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let uri = parts
        .uri
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let query = parts.uri.query().unwrap_or_default();
    let says = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let place = Place::of(parts.uri.path());
    let verb = match (parts.method.as_str(), &place.name) {
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        (_, Some(_)) => "get",
        (_, None) if place.resource.is_empty() => "get",
        (_, None) if says("watch") => "watch",
        (_, None) => "list",
    };
    Entry {
        user: user.to_owned(),
        impersonated: header("impersonate-user"),
        verb: verb.to_owned(),
        group: place.group,
        resource: place.resource,
        subresource: place.subresource,
        namespace: place.namespace,
        name: place.name.or_else(|| name_in(body)),
        code: 0,
        dry_run: says("dryRun"),
        uri,
        user_agent: header("user-agent").unwrap_or_default(),
        ..Entry::default()
    }
}

fn name_in(body: &[u8]) -> Option<String> {
    let object: Value = serde_json::from_slice(body).ok()?;
    Some(object.pointer("/metadata/name")?.as_str()?.to_owned())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    group: String,
    resource: String,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Place {
    /// `/api/v1/…` and `/apis/<group>/<version>/…`; other paths are about no resource.
    fn of(path: &str) -> Place {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return Place::default(),
        };
        let (namespace, rest) = match rest {
            // Parts of the Namespace itself.
            ["namespaces", name] | ["namespaces", name, "status" | "finalize"] => (Some(*name), rest),
            ["namespaces", namespace, rest @ ..] => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let part = |index: usize| rest.get(index).map(|&part: &&str| part.to_owned());
        Place {
            group: group.to_owned(),
            resource: part(0).unwrap_or_default(),
            subresource: part(2),
            namespace: namespace.map(str::to_owned),
            name: part(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("GET /api/v1/configmaps?watch=true", "watch configmaps - -")]
    #[case("GET /api/v1/namespaces/a/configmaps?limit=5", "list configmaps a -")]
    #[case("GET /api/v1/namespaces/a", "get namespaces a a")]
    #[case("PUT /api/v1/namespaces/a/finalize", "update namespaces a a")]
    #[case("DELETE /apis/batch/v1/namespaces/a/jobs/j", "delete jobs a j")]
    #[case("DELETE /apis/batch/v1/namespaces/a/jobs", "deletecollection jobs a -")]
    #[case("POST /api/v1/namespaces/a/events", "create events a n")]
    #[case(
        "PATCH /apis/platform.kubeop.io/v1alpha1/projects/p/status?x",
        "patch projects - p"
    )]
    #[case("GET /apis/apps/v1", "get  - -")]
    #[case("GET /version", "get  - -")]
    fn a_request_is_read_as_the_audit_log_tells_it(#[case] line: &str, #[case] read_as: &str) {
        let (method, uri) = line.split_once(' ').unwrap();
        let (parts, ()) = http::Request::builder()
            .method(method)
            .uri(uri)
            .body(())
            .unwrap()
            .into_parts();
        let body = if method == "POST" {
            r#"{"metadata":{"name":"n"}}"#
        } else {
            ""
        };
        let call = read("me", &parts, body.as_bytes());
        let or_dash = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let told = format!(
            "{} {} {} {}",
            call.verb,
            call.resource,
            or_dash(call.namespace),
            or_dash(call.name)
        );
        assert_eq!(told, read_as);
    }

    #[test]
    fn a_dry_run_is_no_write() {
        let request = http::Request::patch("/apis/apps/v1/namespaces/a/deployments/d?force=true&dryRun=All");
        let (parts, ()) = request
            .header("Impersonate-User", "deployer")
            .body(())
            .unwrap()
            .into_parts();
        let call = read("me", &parts, b"");
        assert!(call.dry_run && !call.is_write());
        assert_eq!(call.actor(), "deployer");
    }
}
