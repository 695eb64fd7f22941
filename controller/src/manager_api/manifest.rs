//! The App that a client sends, as `kubectl apply -f` reads it: YAML or JSON, one App.

use super::problem::Refusal;
use crate::world::NamespacedName;
use kubeop_shared::api::app::AppSpec;
use kubeop_shared::api::names;
use kubeop_shared::manifests::file::read_file;
use serde_json::{Map, Value};

/// What the server sets, and an App that was read from it still says.
const OF_THE_SERVER: [&str; 6] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "selfLink",
];

/// An App to apply.
#[derive(Debug, PartialEq)]
pub(super) struct Given {
    /// Where.
    pub at: NamespacedName,
    /// The App, with its namespace.
    pub object: Value,
}

/// Reads it. Where `metadata` says no namespace, `spec.namespace` does.
pub(super) fn read(bytes: &[u8]) -> Result<Given, Refusal> {
    let (mut objects, faults) = read_file(bytes);
    if let Some(fault) = faults.first() {
        let (line, why) = (fault.line, &fault.why);
        return Err(Refusal::bad_request(format!(
            "the body, line {line}: {why}. Correct the text."
        )));
    }
    let count = objects.len();
    let (Some(written), 1) = (objects.pop(), count) else {
        return Err(Refusal::bad_request(format!(
            "the body holds {count} objects. Send one App, as YAML or JSON."
        )));
    };
    let kind = &written.gvk;
    if (kind.group.as_str(), kind.version.as_str(), kind.kind.as_str())
        != (names::GROUP, names::VERSION, "App")
    {
        return Err(Refusal::bad_request(format!(
            "the body is no App of {}. Other objects are applied with kubectl.",
            names::API_VERSION
        )));
    }
    let Value::Object(mut app) = written.value else {
        return Err(Refusal::bad_request("the body is no object. Send one App."));
    };
    app.remove("status");
    let of_spec = text(app.get("spec"), "namespace");
    let metadata = app.entry("metadata").or_insert_with(|| Map::new().into());
    let Value::Object(metadata) = metadata else {
        return Err(Refusal::bad_request(
            "metadata is no object. Write metadata.name.",
        ));
    };
    for field in OF_THE_SERVER {
        metadata.remove(field);
    }
    let said = |field: &str| {
        metadata
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let Some(name) = said("name").map(str::to_owned) else {
        return Err(Refusal::bad_request("metadata.name: is missing. Write a name."));
    };
    let Some(namespace) = said("namespace").map(str::to_owned).or(of_spec) else {
        return Err(Refusal::bad_request(
            "metadata.namespace: is missing. Write the namespace of the App's Project.",
        ));
    };
    for (field, text) in [("name", &name), ("namespace", &namespace)] {
        if !is_name(text) {
            return Err(Refusal::bad_request(format!(
                "metadata.{field}: {text:?} is no name. Write lower-case letters, digits and dashes, at most 63."
            )));
        }
    }
    metadata.insert("namespace".to_owned(), namespace.clone().into());
    if let Some(error) = lacks(app.get("spec").unwrap_or(&Value::Null)) {
        return Err(Refusal::bad_request(error));
    }
    Ok(Given {
        at: NamespacedName { namespace, name },
        object: app.into(),
    })
}

/// Whether a text can be the name of an App or a namespace: an RFC 1123 label.
pub(super) fn is_name(text: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(may_stand)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What a spec leaves out that every App needs. The API server looks at the App that results: where there is one already,
/// a part of a spec would do. What is said in another type than it has, it tells better.
fn lacks(spec: &Value) -> Option<String> {
    if !spec.is_object() {
        return Some("spec: is missing. Write what is to be delivered.".to_owned());
    }
    let error = serde_path_to_error::deserialize::<_, AppSpec>(spec).err()?;
    let why = error.inner().to_string();
    let at = error.path().to_string();
    let at = Some(at)
        .filter(|at| at != ".")
        .map_or_else(|| "spec".to_owned(), |at| format!("spec.{at}"));
    // A null is taken for a field that is left out.
    let is_left_out = ["missing field", "invalid type: null"]
        .iter()
        .any(|start| why.starts_with(start));
    is_left_out.then(|| format!("{at}: {why}. Send the whole App."))
}

fn text(object: Option<&Value>, field: &str) -> Option<String> {
    let text = object?.get(field)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{is_name, read};
    use axum::http::StatusCode;
    use serde_json::json;

    const HEAD: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n";

    fn refused(text: &str) -> String {
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{text}");
        format!("{refusal:?}")
    }

    #[test]
    fn the_namespace_may_stand_in_the_spec() {
        let delivery = "delivery: {kind: Image}";
        let spec = format!(
            "metadata: {{name: pay}}\nspec: {{projectRef: web, namespace: kubeop-web, {delivery}}}\n"
        );
        let given = read(format!("{HEAD}{spec}").as_bytes()).unwrap();
        assert_eq!(given.at.to_string(), "kubeop-web/pay");
        assert_eq!(
            given.object["metadata"],
            json!({"name": "pay", "namespace": "kubeop-web"})
        );
        // Where both say one, the rules decide.
        let both = format!(
            "metadata: {{name: pay, namespace: other}}\nspec: {{projectRef: web, namespace: kubeop-web, {delivery}}}\n"
        );
        let given = read(format!("{HEAD}{both}").as_bytes()).unwrap();
        assert_eq!(given.at.to_string(), "other/pay");
    }

    #[test]
    fn what_was_read_from_the_server_can_be_sent_back() {
        let app = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
            "metadata": {"name": "pay", "namespace": "kubeop-web", "resourceVersion": "7", "generation": 2,
                "managedFields": [], "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"projectRef": "web", "delivery": {"kind": "Image"}}, "status": {"observedGeneration": 2}});
        let given = read(app.to_string().as_bytes()).unwrap();
        let metadata = json!({"name": "pay", "namespace": "kubeop-web", "resourceVersion": "7"});
        let wanted = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "metadata": metadata,
            "spec": {"projectRef": "web", "delivery": {"kind": "Image"}}});
        assert_eq!(given.object, wanted);
    }

    #[test]
    fn what_is_no_single_app_is_refused_with_the_reason() {
        let two = format!("{HEAD}metadata: {{name: a}}\n---\n{HEAD}metadata: {{name: b}}\n");
        for (text, wanted) in [
            ("", "holds 0 objects"),
            (two.as_str(), "holds 2 objects"),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
                "no App of platform.kubeop.io/v1alpha1",
            ),
            ("apiVersion: [", "the body, line "),
            ("a: 1\na: 2\n", "the body, line "),
            ("{}", "has no kind"),
        ] {
            assert!(refused(text).contains(wanted), "{text}: {}", refused(text));
        }
        for (metadata, wanted) in [
            ("", "metadata.name: is missing"),
            ("metadata: [1]\n", "metadata is no object"),
            ("metadata: {generateName: a}\n", "metadata.name: is missing"),
            ("metadata: {name: a}\n", "metadata.namespace: is missing"),
            ("metadata: {name: ../x, namespace: a}\n", "is no name"),
            ("metadata: {name: x, namespace: a}\n", "spec: is missing"),
            (
                "metadata: {name: x, namespace: a}\nspec: []\n",
                "spec: is missing",
            ),
            (
                "metadata: {name: x, namespace: a}\nspec: {projectRef: web, delivery: null}\n",
                "spec.delivery: invalid type: null",
            ),
            (
                "metadata: {name: x, namespace: a}\nspec: {projectRef: web}\n",
                "spec: missing field `delivery`",
            ),
            (
                "metadata: {name: x, namespace: a}\nspec: {projectRef: web, delivery: {kind: Image, image: {}}}\n",
                "spec.delivery.image: missing field `ref`",
            ),
        ] {
            let said = refused(&format!("{HEAD}{metadata}"));
            assert!(said.contains(wanted), "{metadata}: {said}");
        }
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for text in ["", ".", "..", "a/b", "a?b", "A", "-a", "a-", &"a".repeat(64)] {
            assert!(!is_name(text), "{text}");
        }
        assert!(is_name("a") && is_name("kubeop-web-2"));
    }
}
