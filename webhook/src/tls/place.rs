//! One of the two registrations, as its watch brings it, and how it is put right.

use super::failure::Failure;
use super::registration::Registration;
use super::{FIELD_MANAGER, REQUEST};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, Resource};
use kubeop_certs::Bundle;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Name of both registrations.
pub(super) const NAME: &str = "kubeop";

/// Somebody who overwrites a registration each time that it is put right is answered so many times in [`WINDOW`].
const ANSWERS: usize = 5;
pub(super) const WINDOW: Duration = Duration::from_secs(10);

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

/// When a registration was put right: the last times.
#[derive(Default)]
struct Answers(VecDeque<Instant>);

impl Answers {
    /// Whether it may be put right now, which then counts.
    fn may_answer(&mut self, now: Instant) -> bool {
        self.0.retain(|answer| now.duration_since(*answer) < WINDOW);
        let may = self.0.len() < ANSWERS;
        if may {
            self.0.push_back(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_whoever_overwrites_again_and_again_is_not_answered_each_time() {
        let start = Instant::now();
        let mut answers = Answers::default();
        // Every half second for a minute.
        let answered = (0..120)
            .filter(|half| answers.may_answer(start + Duration::from_millis(500) * *half))
            .count();
        assert_eq!(answered, 6 * ANSWERS);
        assert!(
            answers.may_answer(start + Duration::from_secs(80)),
            "at once after a while"
        );
    }
}
