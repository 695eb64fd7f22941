//! What a registration of the webhook trusts, and the patch that puts it right.

use super::FIELD_MANAGER;
use json_patch::Patch;
use k8s_openapi::ByteString;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kubeop_certs::Bundle;
use serde::Deserialize;
use serde_json::{Value, json};

/// A `MutatingWebhookConfiguration` or `ValidatingWebhookConfiguration`, as far as trust is concerned.
pub(super) struct Registration {
    version: String,
    bundles: Vec<Bundle>,
    other_manager: String,
}

#[derive(Deserialize)]
struct Webhooks {
    #[serde(default)]
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    client_config: ClientConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    ca_bundle: Option<ByteString>,
}

impl Registration {
    /// Reads one.
    pub(super) fn read(object: &DynamicObject) -> Result<Self, serde_json::Error> {
        let Webhooks { webhooks } = Webhooks::deserialize(&object.data)?;
        let bundle = |webhook: Webhook| {
            let text = webhook.client_config.ca_bundle.unwrap_or_default();
            Bundle::read(&text.0)
        };
        Ok(Self {
            version: object.resource_version().unwrap_or_default(),
            bundles: webhooks.into_iter().map(bundle).collect(),
            other_manager: other_manager(object),
        })
    }

    /// Who else was the last to write a `caBundle`, or the whole; empty if nobody did.
    pub(super) fn other_manager(&self) -> &str {
        &self.other_manager
    }

    /// What each of its webhooks trusts.
    pub(super) fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    /// Makes each of its webhooks trust this bundle; none if they do. Changes nothing else, and nothing at all if the
    /// registration has changed since it was read.
    pub(super) fn patch(&self, wanted: &Bundle) -> Option<Patch> {
        let text = ByteString(wanted.to_pem().into_bytes());
        let wrong = self.bundles.iter().enumerate();
        let wrong = wrong.filter(|(_, bundle)| *bundle != wanted);
        let mut operations: Vec<Value> = wrong
            .map(|(index, _)| {
                let path = format!("/webhooks/{index}/clientConfig/caBundle");
                json!({"op": "add", "path": path, "value": text})
            })
            .collect();
        if operations.is_empty() {
            return None;
        }
        let unchanged = json!({"op": "test", "path": "/metadata/resourceVersion", "value": self.version});
        operations.insert(0, unchanged);
        serde_json::from_value(Value::Array(operations)).ok()
    }
}

fn other_manager(object: &DynamicObject) -> String {
    let others = object.managed_fields().iter().filter(|entry| {
        let manager = entry.manager.as_deref();
        manager != Some(FIELD_MANAGER) && entry.subresource.as_deref().unwrap_or_default().is_empty()
    });
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    last.and_then(|entry| entry.manager.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeop_certs::Authority;
    use time::{Duration, OffsetDateTime};

    fn bundle() -> Bundle {
        let now = OffsetDateTime::UNIX_EPOCH;
        let made = Authority::new("x", now, Duration::DAY).unwrap();
        [made.ca().clone()].into_iter().collect()
    }

    fn object(bundles: &[Option<&Bundle>]) -> Value {
        let hook = |bundle: Option<&Bundle>| match bundle {
            Some(bundle) => {
                let text = ByteString(bundle.to_pem().into_bytes());
                json!({"name": "a", "clientConfig": {"url": "https://a", "caBundle": text}})
            }
            None => json!({"name": "a", "clientConfig": {"service": {"name": "a"}}}),
        };
        let hooks: Vec<_> = bundles.iter().copied().map(hook).collect();
        json!({"metadata": {"name": "kubeop", "resourceVersion": "7"}, "webhooks": hooks})
    }

    fn read(object: &Value) -> Registration {
        Registration::read(&serde_json::from_value(object.clone()).unwrap()).unwrap()
    }

    #[test]
    fn s15_a_patch_changes_what_is_wrong_and_nothing_else() {
        let (wanted, other) = (bundle(), bundle());
        for bundles in [
            vec![None, None],
            vec![Some(&wanted), Some(&other), None],
            vec![Some(&wanted), None],
        ] {
            let mut patched = object(&bundles);
            let patch = read(&patched).patch(&wanted).unwrap();
            json_patch::patch(&mut patched, &patch).unwrap();
            let mut right = object(&vec![Some(&wanted); bundles.len()]);
            for (index, bundle) in bundles.iter().enumerate() {
                if bundle.is_none() {
                    right["webhooks"][index]["clientConfig"]["service"] = json!({"name": "a"});
                    right["webhooks"][index]["clientConfig"]
                        .as_object_mut()
                        .unwrap()
                        .remove("url");
                }
            }
            assert_eq!(patched, right);
            let wrong = bundles.iter().filter(|bundle| **bundle != Some(&wanted));
            assert_eq!(patch.0.len(), 1 + wrong.count(), "one test, and what is wrong");
        }
    }

    #[test]
    fn s15_what_is_right_is_not_patched() {
        let wanted = bundle();
        for bundles in [vec![], vec![Some(&wanted)], vec![Some(&wanted), Some(&wanted)]] {
            assert!(read(&object(&bundles)).patch(&wanted).is_none());
        }
    }

    #[test]
    fn who_wrote_last_besides_the_webhook_is_known() {
        let entry =
            |manager: &str, time: &str| json!({"manager": manager, "time": time, "operation": "Update"});
        let mut written = object(&[None]);
        assert_eq!(read(&written).other_manager(), "");
        written["metadata"]["managedFields"] = json!([
            entry("kubectl-client-side-apply", "2026-11-27T12:00:00Z"),
            entry("cainjector", "2026-11-27T12:00:02Z"),
            entry("helm", "2026-11-27T12:00:01Z"),
            entry("kubeop-webhook", "2026-11-27T12:00:03Z"),
        ]);
        assert_eq!(read(&written).other_manager(), "cainjector");
    }

    #[test]
    fn s15_what_has_changed_meanwhile_is_not_patched() {
        let mut changed = object(&[None]);
        let patch = read(&changed).patch(&bundle()).unwrap();
        changed["metadata"]["resourceVersion"] = json!("8");
        json_patch::patch(&mut changed, &patch).unwrap_err();
    }
}
