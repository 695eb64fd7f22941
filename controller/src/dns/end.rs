//! Holding a `DNSRecord` while the zone says something for it, and letting it go.

use super::DnsRecords;
use super::failed::Failed;
use super::memory::{Round, spread};
use super::settings::Provider;
use crate::kube_io::{CallError, Cluster, finalizer, kind_goes};
use crate::queue::Next;
use crate::world::NamespacedName;
use kube::ResourceExt;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::api::{DnsRecord, names};
use kubeop_shared::dns::Marker;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The longest wait for a server that is down.
const LONGEST: Duration = Duration::from_secs(60);

impl<C: Cluster> DnsRecords<C> {
    /// Notes, before it is written, which host the zone will say for a `DNSRecord`, and holds that until it is removed there.
    pub(super) async fn hold(
        &self,
        key: &NamespacedName,
        record: &DnsRecord,
        host: &str,
    ) -> Result<(), CallError> {
        if finalizer::is_held(record.finalizers()) && published(record) == Some(host) {
            return Ok(());
        }
        let mut fields = finalizer::held(record.metadata.resource_version.as_deref(), record.finalizers());
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            let annotations = json!({names::ANNOTATION_PUBLISHED_HOST: host});
            metadata.insert("annotations".to_owned(), annotations);
        }
        self.patch(key, None, &fields).await
    }

    /// Goes on with the end of a `DNSRecord`.
    pub(super) async fn end(&self, key: &NamespacedName, record: &DnsRecord) -> Next {
        if !finalizer::is_held(record.finalizers()) {
            self.forget(key);
            return Next::News;
        }
        match self.take_back(key, record).await {
            Ok(None) => {
                self.forget(key);
                Next::News
            }
            Ok(Some(standing)) => self.go_on_ending(key, record, &standing).await,
            Err(error) => {
                tracing::warn!(record = %key, %error, "its end does not get on");
                Next::Within(super::failed::SOON)
            }
        }
    }

    /// Removes what the zone says for it, then our finalizer. What keeps it, if anything does.
    async fn take_back(
        &self,
        key: &NamespacedName,
        record: &DnsRecord,
    ) -> Result<Option<Standing>, CallError> {
        let host = published(record);
        if let (Provider::Rfc2136(updates), Some(host)) = (&self.settings.provider, host)
            // kubeOP is uninstalled: nobody meant the names by which people find what runs.
            && !kind_goes(&self.cluster, "dnsrecords").await?
            && let Err(failed) = self.withdraw(updates, host, &self.marker(key)).await
        {
            let why = match failed {
                Failed::Unreachable(why) => why,
                Failed::Stuck(standing) => standing.message,
            };
            let message = format!(
                "it is being deleted, and what the zone says of {host} is still to be removed: {why}. This goes on by \
                 itself. To leave it there instead:\nkubectl patch -n {} dnsrecords.{}/{} --type=json -p \
                 '[{{\"op\": \"remove\", \"path\": \"/metadata/finalizers\"}}]'",
                key.namespace,
                names::GROUP,
                key.name
            );
            return Ok(Some(Standing::waits(Reason::Deleting, message)));
        }
        let fields = finalizer::let_go(record.metadata.resource_version.as_deref(), record.finalizers());
        self.patch(key, None, &fields).await?;
        Ok(None)
    }

    async fn go_on_ending(&self, key: &NamespacedName, record: &DnsRecord, standing: &Standing) -> Next {
        let last = self.last_round(key);
        let attempts = last.as_ref().map_or(0, |round| round.attempts);
        let wait = Duration::from_secs(1) * 2_u32.saturating_pow(attempts.min(16));
        let wait = spread(wait.min(LONGEST), key);
        if let Some(last) = last {
            self.remember(
                key,
                Round {
                    attempts: attempts.saturating_add(1),
                    due: Instant::now() + wait,
                    ..last
                },
            );
        }
        let asked = self.last_round(key).map(|round| round.asked).unwrap_or_default();
        if let Err(error) = self.say(key, record, Some(standing), &asked).await {
            tracing::warn!(record = %key, %error, "cannot write the status");
        }
        Next::Within(wait)
    }

    pub(super) fn marker(&self, key: &NamespacedName) -> Marker {
        Marker {
            cluster: self.cluster_id.clone(),
            record: key.to_string(),
        }
    }
}

/// The host that the zone says for it, or is about to.
pub(super) fn published(record: &DnsRecord) -> Option<&str> {
    let annotations = record.metadata.annotations.as_ref()?;
    annotations
        .get(names::ANNOTATION_PUBLISHED_HOST)
        .map(String::as_str)
}
