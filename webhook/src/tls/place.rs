//! One of the two registrations, as its watch brings it, and how it is put right.

use super::failure::Failure;
use super::registration::Registration;
use super::{FIELD_MANAGER, REQUEST};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, Resource};
use kubeop_certs::{Answers, Bundle};
use std::time::Instant;
use tokio::time::timeout;

/// Name of both registrations.
pub(super) const NAME: &str = "kubeop";

/// What a watch has brought.
pub(super) enum Seen<T> {
    NotYet,
    Absent,
    Is(T),
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(object: Option<T>) -> Self {
        object.map_or(Self::Absent, Self::Is)
    }
}

/// One of the two registrations.
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) api: Api<DynamicObject>,
    pub(super) seen: Seen<Registration>,
    answers: Answers,
}

impl Place {
    pub(super) fn new<K: Resource<DynamicType = ()>>(client: &Client) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            api: Api::all_with(client.clone(), &ApiResource::erase::<K>(&())),
            seen: Seen::NotYet,
            answers: Answers::default(),
        }
    }

    pub(super) fn see(&mut self, object: Option<&DynamicObject>) {
        self.seen = match object.map(Registration::read) {
            Some(Ok(registration)) => Seen::Is(registration),
            Some(Err(error)) => {
                tracing::error!(kind = self.kind, name = NAME, %error, "a registration cannot be read");
                Seen::Absent
            }
            None => Seen::Absent,
        };
    }

    /// Makes it trust the bundle. Somebody who writes it at the same time wins: the watch tells what it is then.
    pub(super) async fn put_right(&mut self, bundle: &Bundle) -> Result<(), Failure> {
        let Seen::Is(registration) = &self.seen else {
            return Ok(());
        };
        let Some(patch) = registration.patch(bundle) else {
            return Ok(());
        };
        if !self.answers.may_answer(Instant::now()) {
            return Err(Failure::Overwritten {
                kind: self.kind.clone(),
                manager: registration.other_manager().to_owned(),
            });
        }
        let doing = || format!("patch {} {NAME}", self.kind);
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Json::<()>(patch);
        match timeout(REQUEST, self.api.patch(NAME, &parameters, &patch)).await {
            Ok(Ok(object)) => {
                tracing::info!(kind = self.kind, name = NAME, "caBundle is put right");
                self.see(Some(&object));
                Ok(())
            }
            Ok(Err(source)) => Err(Failure::request(doing(), source)),
            Err(_) => Err(Failure::Late { doing: doing() }),
        }
    }
}
