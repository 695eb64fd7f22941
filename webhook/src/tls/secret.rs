//! The Secret in which replicas share their CA: read and written.

use super::FIELD_MANAGER;
use super::failure::Failure;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Error};
use kubeop_certs::kept::Kept;
use kubeop_certs::{Found, SECRET_TYPE};

/// Its name.
pub(super) const NAME: &str = "kubeop-webhook-ca";

/// What stands in it.
pub(super) fn read(secret: &Secret) -> Found {
    let text = |name: &str| std::str::from_utf8(&secret.data.as_ref()?.get(name)?.0).ok();
    Found::read(secret.type_.as_deref(), text)
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
        type_: Some(SECRET_TYPE.to_owned()),
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
