//! The two specs between which the App changes: each with hooks and objects that the other lacks.

use jiff::{SignedDuration, Timestamp};
use kubeop_shared::api::AppSpec;
use kubeop_shared::api::app::HookNeeds;
use kubeop_shared::delivery::{Stage, Wanted, WantedObject};
use kubeop_shared::revision::{Digest, ObjectKey, RevisionHash, RevisionSpec};
use serde_json::json;

/// Both, rendered once.
pub struct Specs([Wanted; 2]);

/// The only time that there is.
pub fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// A time that has not come.
pub fn later() -> Timestamp {
    now() + SignedDuration::from_secs(1)
}

impl Specs {
    pub fn new() -> Self {
        let of = |spec: usize, needs, pre: &[&str], post: &[&str], kinds: &[(&str, &str)]| {
            let said: AppSpec = serde_json::from_value(json!({
                "projectRef": "web",
                "delivery": {"kind": "Image", "image": {"ref": format!("ghcr.io/acme/pay:{spec}")}},
            }))
            .unwrap();
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Wanted {
                hash: RevisionHash::of(&RevisionSpec::new(&said, Vec::new())),
                pre: names(pre),
                post: names(post),
                needs,
                objects: kinds
                    .iter()
                    .map(|(group, kind)| object(spec, group, kind))
                    .collect(),
                images: Vec::new(),
                left: Vec::new(),
            }
        };
        Self([
            of(
                0,
                HookNeeds::Config,
                &["migrate"],
                &[],
                &[("", "ConfigMap"), ("apps", "Deployment")],
            ),
            of(
                1,
                HookNeeds::None,
                &["migrate"],
                &["check"],
                &[("apps", "Deployment"), ("networking.k8s.io", "Ingress")],
            ),
        ])
    }

    pub fn wanted(&self, spec: usize) -> &Wanted {
        &self.0[spec]
    }

    pub fn position(&self, hash: &RevisionHash) -> Option<usize> {
        self.0.iter().position(|wanted| wanted.hash == *hash)
    }

    pub fn of_hash(&self, hash: &RevisionHash) -> Option<&Wanted> {
        self.0.iter().find(|wanted| wanted.hash == *hash)
    }

    /// Digest of what a spec says about an object.
    pub fn rendered(&self, key: &ObjectKey, spec: usize) -> Digest {
        let object = self.0[spec].objects.iter().find(|object| object.key == *key);
        object.map_or_else(|| Digest::of_text("nothing"), |object| object.rendered.clone())
    }
}

fn object(spec: usize, group: &str, kind: &str) -> WantedObject {
    WantedObject {
        key: ObjectKey {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            name: "pay".into(),
        },
        stage: Stage::of(group, kind),
        rendered: Digest::of_text(&format!("{kind} {spec}")),
    }
}
