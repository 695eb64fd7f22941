//! Which Secrets may be mirrored, and what of them is.

use kube::api::DynamicObject;
use kubeop_shared::api::names;
use serde_json::Value;

/// Types of registry Secrets, and under which key each holds its configuration.
///
/// Source: `SecretTypeDockerConfigJson` and `SecretTypeDockercfg` of k8s.io/api/core/v1.
const TYPES: [(&str, &str); 2] = [
    ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
    ("kubernetes.io/dockercfg", ".dockercfg"),
];

/// What of a Secret is mirrored. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Its type.
    pub kind: &'static str,
    /// The key.
    pub key: &'static str,
    /// The value under that key, in base64.
    pub value: String,
}

/// Reads what may be mirrored to a Project of `tenant`; or why nothing is, as a sentence without a subject.
pub(super) fn content(source: &DynamicObject, tenant: &str) -> Result<Content, String> {
    if said(source, names::LABEL_MIRROR)
        .iter()
        .all(|said| *said != "true")
    {
        return Err(format!(
            "does not carry the label {}: \"true\", by which its owner agrees",
            names::LABEL_MIRROR
        ));
    }
    let said = said(source, names::ANNOTATION_TENANTS);
    let lists = |list: &&str| list.split(',').any(|name| name.trim() == tenant);
    if !said.is_empty() && !said.iter().all(lists) {
        return Err(format!(
            "is not for tenant {tenant}: {} does not name it",
            names::ANNOTATION_TENANTS
        ));
    }
    let kind = source
        .data
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some((kind, key)) = TYPES.into_iter().find(|(known, _)| *known == kind) else {
        let [(json, _), (cfg, _)] = TYPES;
        return Err(format!("is of type {kind:?}; only {json} and {cfg} are mirrored"));
    };
    let value = source.data.get("data").and_then(|data| data.get(key)?.as_str());
    let value = value
        .ok_or_else(|| format!("has nothing under {key}"))?
        .to_owned();
    Ok(Content { kind, key, value })
}

/// What labels and annotations say under a name. Of whom it is kept from is asked in both: a list has commas, which no
/// label may have, and whoever names a single tenant may have taken a label.
fn said<'s>(source: &'s DynamicObject, name: &str) -> Vec<&'s str> {
    let metadata = &source.metadata;
    let both = if name == names::LABEL_MIRROR {
        [metadata.labels.as_ref(), None]
    } else {
        [metadata.labels.as_ref(), metadata.annotations.as_ref()]
    };
    let said = both.into_iter().flatten().filter_map(|all| all.get(name));
    said.map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::content;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn secret(metadata: &Value, kind: &str, key: &str) -> kube::api::DynamicObject {
        let data = json!({key: "e30=", "tls.key": "c2VjcmV0"});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data});
        serde_json::from_value(secret).unwrap()
    }

    const JSON: (&str, &str) = ("kubernetes.io/dockerconfigjson", ".dockerconfigjson");
    const CFG: (&str, &str) = ("kubernetes.io/dockercfg", ".dockercfg");

    fn agrees() -> Value {
        json!({"labels": {"platform.kubeop.io/mirror": "true"}})
    }

    fn for_tenants(list: &str) -> Value {
        let mut metadata = agrees();
        metadata["annotations"] = json!({"platform.kubeop.io/tenants": list});
        metadata
    }

    fn for_tenant_by_label(name: &str) -> Value {
        json!({"labels": {"platform.kubeop.io/mirror": "true", "platform.kubeop.io/tenants": name}})
    }

    #[rstest]
    #[case::json(agrees(), JSON)]
    #[case::cfg(agrees(), CFG)]
    #[case::for_one(for_tenants("acme"), JSON)]
    #[case::for_some(for_tenants("globex, acme"), JSON)]
    #[case::by_label(for_tenant_by_label("acme"), JSON)]
    fn what_its_owner_gives_is_mirrored_and_no_more(
        #[case] metadata: Value,
        #[case] (kind, key): (&str, &str),
    ) {
        let read = content(&secret(&metadata, kind, key), "acme").ok().unwrap();
        assert_eq!((read.kind, read.key, read.value.as_str()), (kind, key, "e30="));
    }

    #[rstest]
    #[case::not_asked(json!({}), JSON, "does not carry the label platform.kubeop.io/mirror")]
    #[case::asked_and_said_no(json!({"labels": {"platform.kubeop.io/mirror": "false"}}), JSON, "does not carry")]
    #[case::an_annotation_is_no_label(json!({"annotations": {"platform.kubeop.io/mirror": "true"}}), JSON, "does not carry")]
    #[case::for_others(for_tenants("globex,acme-2"), JSON, "is not for tenant acme")]
    #[case::for_nobody(for_tenants(""), JSON, "is not for tenant acme")]
    #[case::for_another_by_label(for_tenant_by_label("globex"), JSON, "is not for tenant acme")]
    #[case::a_ca(agrees(), ("platform.kubeop.io/certificate-authority", "tls.key"), "is of type")]
    #[case::opaque(agrees(), ("Opaque", ".dockerconfigjson"), "is of type \"Opaque\"")]
    #[case::empty(agrees(), ("kubernetes.io/dockercfg", ".dockerconfigjson"), "has nothing under .dockercfg")]
    fn s44_nothing_else_is(#[case] metadata: Value, #[case] (kind, key): (&str, &str), #[case] why: &str) {
        let refused = content(&secret(&metadata, kind, key), "acme").err().unwrap();
        assert!(refused.contains(why), "{refused}");
        assert!(!refused.contains("e30="), "{refused}");
    }
}
