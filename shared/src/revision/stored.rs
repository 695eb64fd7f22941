//! What a kept revision says, as it is stored: canonical JSON, compressed. A person reads it with `base64 -d | gunzip`.

use super::{RevisionHash, RevisionSpec};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// The longest text that is read back. The API server takes no object above 3 MiB.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Why a stored revision cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// It is not what kubeOP wrote.
    #[error("cannot be read")]
    Unreadable,
    /// It says something else than the revision whose name it carries.
    #[error("does not say what its revision says")]
    OtherRevision,
}

impl RevisionSpec {
    /// The bytes to be stored.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let _ = packed.write_all(self.canonical_json().as_bytes());
        packed.finish().unwrap_or_default()
    }

    /// Reads back what was stored, and makes sure that it is the revision of that hash.
    pub fn unpack(stored: &[u8], hash: &RevisionHash) -> Result<Self, StoredError> {
        let mut text = String::new();
        let mut reader = GzDecoder::new(stored).take(LONGEST);
        reader
            .read_to_string(&mut text)
            .map_err(|_| StoredError::Unreadable)?;
        let spec: Self = serde_json::from_str(&text).map_err(|_| StoredError::Unreadable)?;
        if RevisionHash::of(&spec) == *hash {
            Ok(spec)
        } else {
            Err(StoredError::OtherRevision)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StoredError;
    use crate::api::AppSpec;
    use crate::render::Declared;
    use crate::revision::{RevisionHash, RevisionSpec};
    use serde_json::json;

    fn declared(delivery: &serde_json::Value) -> Declared {
        let hooks = json!({"pre": [{"name": "migrate", "image": "nginx", "env": [{"name": "A", "value": "b"}],
            "timeoutSeconds": 30}], "needs": "Config"});
        let spec = json!({"projectRef": "web", "delivery": delivery, "hooks": hooks});
        let spec: AppSpec = serde_json::from_value(spec).unwrap();
        Declared::read(&spec, "kubeop-web").unwrap()
    }

    #[test]
    fn what_is_stored_is_read_back_and_is_the_same_revision() {
        let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1', f: '0.1'}";
        for delivery in [
            json!({"kind": "Image", "image": {"ref": "nginx", "ports": [{"name": "http", "containerPort": 80}],
                "resources": {"preset": "small", "limits": {"cpu": "0.5"}}, "ingress": {"host": "a.example"}}}),
            json!({"kind": "Raw", "raw": {"manifests": [config]}}),
        ] {
            let Declared { revision, hash, .. } = declared(&delivery);
            assert_eq!(RevisionSpec::unpack(&revision.pack(), &hash), Ok(revision));
        }
    }

    #[test]
    fn what_was_damaged_or_exchanged_is_no_revision() {
        let of = |image: &str| declared(&json!({"kind": "Image", "image": {"ref": image}}));
        let (one, other) = (of("nginx:1"), of("nginx:2"));
        let packed = one.revision.pack();
        assert_eq!(
            RevisionSpec::unpack(&packed, &other.hash),
            Err(StoredError::OtherRevision)
        );
        for damaged in [&b""[..], b"no gzip", &packed[..packed.len() / 2]] {
            let hash: &RevisionHash = &one.hash;
            assert_eq!(RevisionSpec::unpack(damaged, hash), Err(StoredError::Unreadable));
        }
    }
}
