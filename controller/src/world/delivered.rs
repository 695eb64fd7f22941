//! Delivered objects as they are kept: tens of thousands of them, each one key and a few bytes.

use kubeop_shared::delivery::Live;
use kubeop_shared::revision::ObjectKey;
use serde::{Deserialize, Serialize};

/// Namespace and key of an object, in one piece. No part of it may hold the character between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveKey(Box<str>);

const BETWEEN: char = '\n';

impl LiveKey {
    /// The key of an object in a namespace.
    pub fn new(namespace: &str, key: &ObjectKey) -> Self {
        let ObjectKey {
            group,
            version,
            kind,
            name,
        } = key;
        Self::of(namespace, group, version, kind, name)
    }

    /// The same of its parts.
    pub fn of(namespace: &str, group: &str, version: &str, kind: &str, name: &str) -> Self {
        let parts = [namespace, group, version, kind, name];
        Self(parts.join("\n").into())
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.0.split(BETWEEN).next().unwrap_or_default()
    }

    /// Whether it is an object of this kind.
    pub fn is_of(&self, group: &str, version: &str, kind: &str) -> bool {
        let own = self.0.split(BETWEEN).skip(1).take(3);
        own.eq([group, version, kind])
    }
}

/// A delivered object and the App that its label names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Delivered {
    /// Name of the App.
    pub app: String,
    /// What is seen of it.
    pub live: Live,
    /// The storage class of a claim that is not bound yet.
    pub pending_class: Option<String>,
}

/// A delivered object as a few bytes. Postcard: as small as it gets, and in every piece of Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small(Box<[u8]>);

impl Small {
    /// The bytes.
    pub fn of(delivered: &Delivered) -> Self {
        // Writing to memory does not fail.
        Self(postcard::to_allocvec(delivered).unwrap_or_default().into())
    }

    /// The object.
    pub fn open(&self) -> Option<Delivered> {
        postcard::from_bytes(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivered, LiveKey, Small};
    use kubeop_shared::delivery::Live;
    use kubeop_shared::health::Health;
    use kubeop_shared::revision::{Digest, ObjectKey};

    #[test]
    fn what_is_kept_comes_back_and_is_small() {
        let delivered = Delivered {
            app: "pay".into(),
            live: Live {
                uid: "e0035146-af38-4a72-bf41-973703d2cb7f".into(),
                resource_version: "123456".into(),
                deleting: false,
                owned: Some(Digest::of_text("owned")),
                health: Health::Progressing { why: "1 of 2".into() },
                note: None,
                replicas: Some(2),
                owns_replicas: true,
                keep: false,
                crashes: false,
            },
            pending_class: None,
        };
        let small = Small::of(&delivered);
        assert!(small.0.len() < 100, "{}", small.0.len());
        assert_eq!(small.open(), Some(delivered));
    }

    #[test]
    fn a_key_knows_its_namespace_and_kind() {
        let key = ObjectKey {
            group: String::new(),
            version: "v1".into(),
            kind: "ConfigMap".into(),
            name: "c".into(),
        };
        let key = LiveKey::new("kubeop-web", &key);
        assert_eq!(key.namespace(), "kubeop-web");
        assert!(key.is_of("", "v1", "ConfigMap") && !key.is_of("v1", "ConfigMap", "c"));
    }
}
