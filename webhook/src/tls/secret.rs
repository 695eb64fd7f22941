//! The Secret in which replicas share their CA: read, told apart from a foreign one, and written.

use super::FIELD_MANAGER;
use super::failure::Failure;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Error};
use kubeop_certs::kept::{Damage, Kept};

/// Its name.
pub(super) const NAME: &str = "kubeop-webhook-ca";

/// Its type: what says that kubeOP wrote it. The API server lets nobody change a Secret's type.
const TYPE: &str = "platform.kubeop.io/certificate-authority";

/// What stands in the Secret.
pub(super) enum Found {
    /// There is none, or there is nothing in it that could sign.
    Nothing,
    /// A CA.
    Kept(Kept),
    /// The same as nothing, but something was there.
    Damaged(Damage),
    /// Somebody else wrote it.
    Foreign {
        /// The type that it has.
        of_type: String,
    },
}

/// Reads it.
pub(super) fn read(secret: Option<&Secret>) -> Found {
    let Some(secret) = secret else {
        return Found::Nothing;
    };
    let of_type = secret.type_.clone().unwrap_or_default();
    if of_type != TYPE {
        return Found::Foreign { of_type };
    }
    let text = |name: &str| std::str::from_utf8(&secret.data.as_ref()?.get(name)?.0).ok();
    match Kept::read(text) {
        Ok(kept) => Found::Kept(kept),
        Err(damage) => Found::Damaged(damage),
    }
}

/// Writes it in place of what was seen; what is there then. That is what somebody else wrote, if they were faster.
pub(super) async fn write(
    api: &Api<Secret>,
    seen: Option<Secret>,
    kept: &Kept,
) -> Result<Option<Secret>, Failure> {
    let is_new = seen.is_none();
    // One that was seen carries its resourceVersion, and what others have put on its metadata.
    let mut secret = seen.unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some(TYPE.to_owned()),
        ..Secret::default()
    });
    let texts = kept.texts().into_iter();
    secret.data = Some(
        texts
            .map(|(name, text)| (name, ByteString(text.into_bytes())))
            .collect(),
    );
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = if is_new {
        api.create(&parameters, &secret).await
    } else {
        api.replace(NAME, &parameters, &secret).await
    };
    match written {
        Ok(secret) => Ok(Some(secret)),
        Err(Error::Api(status))
            if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
        {
            api.get_opt(NAME).await.map_err(Failure::reading_secret)
        }
        Err(error) => Err(Failure::writing_secret(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeop_certs::Authority;
    use kubeop_certs::rotation::{Lifetimes, Step, take};
    use std::collections::BTreeMap;
    use time::{Duration, OffsetDateTime};

    fn secret(of_type: &str, data: BTreeMap<String, ByteString>) -> Secret {
        Secret {
            type_: Some(of_type.to_owned()),
            data: Some(data),
            ..Secret::default()
        }
    }

    fn whole() -> BTreeMap<String, ByteString> {
        let lifetimes = Lifetimes::new(Duration::DAY * 9, Duration::DAY).unwrap();
        let kept = take(Step::Make, None, &[], OffsetDateTime::UNIX_EPOCH, lifetimes, "x").unwrap();
        let texts = kept.texts().into_iter();
        texts
            .map(|(name, text)| (name, ByteString(text.into_bytes())))
            .collect()
    }

    #[test]
    fn s15_a_secret_that_kubeop_did_not_write_is_foreign_whatever_stands_in_it() {
        for of_type in ["Opaque", "kubernetes.io/tls", ""] {
            for data in [whole(), BTreeMap::new()] {
                let found = read(Some(&secret(of_type, data)));
                assert!(matches!(found, Found::Foreign { of_type: found } if found == of_type));
            }
        }
    }

    #[test]
    fn s15_what_kubeop_wrote_is_read_whole_or_damaged() {
        assert!(matches!(read(None), Found::Nothing));
        let Found::Kept(kept) = read(Some(&secret(TYPE, whole()))) else {
            panic!("not read");
        };
        let mut damaged = whole();
        let other = Authority::new("x", OffsetDateTime::UNIX_EPOCH, Duration::DAY).unwrap();
        assert_ne!(kept.signing.key(), other.key());
        damaged.insert("ca.key".to_owned(), ByteString(other.key().as_bytes().to_vec()));
        for data in [damaged, BTreeMap::new()] {
            assert!(matches!(read(Some(&secret(TYPE, data))), Found::Damaged(_)));
        }
    }
}
