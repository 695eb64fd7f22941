//! What is done: the Secret is written, or cert-manager is asked, or asked no more.

use super::Certificates;
use super::authority::Known;
use super::external::{self, REQUESTS};
use super::judge::{CA, CERTIFICATE, KEY, TYPE, owner_reference, text};
use crate::kube_io::{
    Address, Applying, CallError, CallKind, Cluster, Conflicts, Effect, Manager, Preconditions, Who, address,
};
use crate::world::{NamespacedName, Packed};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use kubeop_certs::Pair;
use kubeop_shared::api::{Certificate, names};
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;

impl<C: Cluster> Certificates<C> {
    /// Reads a Secret, whole.
    pub(super) async fn read_secret(&self, at: &Address) -> Result<Option<Secret>, CallError> {
        let live = self.cluster.get(&Who::Controller, at).await?;
        // What is no Secret was not told by the API server.
        Ok(live.and_then(|live| live.try_parse().ok()))
    }

    /// Has a certificate signed and writes it over what was read. False: the CA has changed, which is being told.
    pub(super) async fn issue(
        &self,
        certificate: &Certificate,
        host: &str,
        live: Option<Secret>,
        known: &Known,
    ) -> Result<bool, CallError> {
        let Some(kept) = self.signer(known).await? else {
            return Ok(false);
        };
        let now = OffsetDateTime::now_utc();
        let made = kept
            .signing
            .server(&[host.to_owned()], now, self.lifetimes.leaf());
        let pair =
            made.map_err(|error| CallError::own("sign a certificate", CallKind::Refused, error.to_string()))?;
        self.put(certificate, live, &pair, known).await?;
        tracing::info!(
            namespace = certificate.metadata.namespace,
            certificate = certificate.metadata.name,
            "a certificate is issued"
        );
        Ok(true)
    }

    /// Writes what was read again, with what stands beside the certificate put right.
    pub(super) async fn mend(
        &self,
        certificate: &Certificate,
        live: Secret,
        known: &Known,
    ) -> Result<(), CallError> {
        let pair = Pair {
            certificate: text(&live, CERTIFICATE).to_owned(),
            key: text(&live, KEY).to_owned(),
        };
        self.put(certificate, Some(live), &pair, known).await
    }

    async fn put(
        &self,
        certificate: &Certificate,
        live: Option<Secret>,
        pair: &Pair,
        known: &Known,
    ) -> Result<(), CallError> {
        let (at, is_new) = (secret_at(certificate), live.is_none());
        // One that was read carries its resourceVersion, and what others have put on it besides.
        let mut secret = live.unwrap_or_else(|| Secret {
            metadata: ObjectMeta {
                name: Some(at.name.clone()),
                namespace: at.namespace.clone(),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            ..Secret::default()
        });
        let data = secret.data.get_or_insert_default();
        for (name, text) in [
            (CERTIFICATE, &pair.certificate),
            (KEY, &pair.key),
            (CA, &known.pem),
        ] {
            data.insert(name.to_owned(), ByteString(text.clone().into_bytes()));
        }
        let labels: &mut BTreeMap<_, _> = secret.metadata.labels.get_or_insert_default();
        labels.insert(names::LABEL_CERTIFICATE.to_owned(), "true".to_owned());
        secret.metadata.owner_references = Some(vec![owner_reference(certificate)]);
        secret.metadata.managed_fields = None;
        let object = json!(secret);
        let written = if is_new {
            self.cluster
                .create(&Who::Controller, &at, &object, Effect::Real)
                .await?
        } else {
            self.cluster.replace(&Who::Controller, &at, &object).await?
        };
        self.heard_of(&at, written.metadata.resource_version);
        Ok(())
    }

    /// What we read or wrote is known at once.
    pub(super) fn heard_of(&self, at: &Address, version: Option<String>) {
        let key = NamespacedName {
            namespace: at.namespace.clone().unwrap_or_default(),
            name: at.name.clone(),
        };
        match version {
            Some(version) => self.world.secrets.put(key, Some(&version.clone()), version),
            None => self.world.secrets.forget(&key),
        }
    }

    /// Asks cert-manager. False: somebody else does so under this name.
    pub(super) async fn request(&self, certificate: &Certificate, host: &str) -> Result<bool, CallError> {
        let (key, at) = (key_of(certificate), external_at(certificate));
        let wanted = external::wanted(certificate, host);
        let me = Who::Controller;
        let written = if self.world.requested.get(&key).is_some() {
            let how = Applying {
                manager: Manager::Delivery,
                conflicts: Conflicts::Force,
                effect: Effect::Real,
            };
            self.cluster.apply(&me, &at, &wanted, how).await?
        } else {
            match self.cluster.get(&me, &at).await? {
                Some(live) if external::is_ours(&live) => live,
                Some(_) => return Ok(false),
                None => self.cluster.create(&me, &at, &wanted, Effect::Real).await?,
            }
        };
        let version = written.metadata.resource_version.clone();
        self.world
            .requested
            .put(key, version.as_deref(), Packed::of_object(&written));
        Ok(true)
    }

    /// Asks cert-manager no more. True: that is over.
    pub(super) async fn withdraw(&self, certificate: &Certificate) -> Result<bool, CallError> {
        let (key, at) = (key_of(certificate), external_at(certificate));
        let Some(live) = self.cluster.get(&Who::Controller, &at).await? else {
            self.world.requested.forget(&key);
            return Ok(true);
        };
        if !external::is_ours(&live) {
            self.world.requested.forget(&key);
            return Ok(true);
        }
        let only = Preconditions {
            uid: live.metadata.uid,
            resource_version: None,
        };
        let still = self.cluster.delete(&Who::Controller, &at, &only).await?;
        if still.is_none() {
            self.world.requested.forget(&key);
        }
        Ok(still.is_none())
    }
}

pub(super) fn secret_at(certificate: &Certificate) -> Address {
    let namespace = certificate.metadata.namespace.as_deref();
    address("", "v1", "Secret", namespace, &certificate.secret_name())
}

fn external_at(certificate: &Certificate) -> Address {
    let (group, version, kind) = REQUESTS;
    let NamespacedName { namespace, name } = key_of(certificate);
    address(group, version, kind, Some(&namespace), &name)
}

pub(super) fn key_of(certificate: &Certificate) -> NamespacedName {
    NamespacedName {
        namespace: certificate.metadata.namespace.clone().unwrap_or_default(),
        name: certificate.metadata.name.clone().unwrap_or_default(),
    }
}
