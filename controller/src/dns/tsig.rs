//! The key by which updates are signed (RFC 8945). Nothing of its secret is ever written anywhere, not in an error either.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_net::proto::rr::TSigner;
use hickory_net::proto::rr::rdata::tsig::TsigAlgorithm;
use k8s_openapi::api::core::v1::Secret;

/// How far clocks may differ, in seconds: what RFC 8945 recommends.
const FUDGE: u16 = 300;

/// Reads the key out of its Secret. Why it cannot be used, as what follows the name of the Secret.
pub fn signer(secret: &Secret) -> Result<TSigner, String> {
    let data = secret.data.as_ref();
    let text = |key: &str| {
        let bytes = data.and_then(|data| data.get(key)).map(|bytes| &bytes.0);
        bytes.map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned())
    };
    let needed = |key: &str| text(key).ok_or_else(|| format!("has no key {key:?}"));
    let name = needed("name")?;
    let name = super::client::name_of(&name.to_ascii_lowercase())
        .map_err(|_| format!("says name {name:?}, which is no name of a key"))?;
    let algorithm = match text("algorithm")
        .as_deref()
        .map(|said| said.trim_end_matches('.'))
    {
        None | Some("hmac-sha256") => TsigAlgorithm::HmacSha256,
        Some("hmac-sha384") => TsigAlgorithm::HmacSha384,
        Some("hmac-sha512") => TsigAlgorithm::HmacSha512,
        Some(other) => {
            return Err(format!(
                "says algorithm {other:?}. Use hmac-sha256, hmac-sha384 or hmac-sha512"
            ));
        }
    };
    let key = STANDARD.decode(needed("secret")?);
    let key =
        key.map_err(|_| "holds a secret that is no base64, as tsig-keygen and keymgr print it".to_owned())?;
    TSigner::new(key, algorithm, name, FUDGE).map_err(|_| "holds a key that cannot be used".to_owned())
}

#[cfg(test)]
mod tests {
    use super::signer;
    use k8s_openapi::ByteString;
    use k8s_openapi::api::core::v1::Secret;
    use rstest::rstest;

    fn secret(entries: &[(&str, &str)]) -> Secret {
        let data = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        Secret {
            data: Some(data.collect()),
            ..Secret::default()
        }
    }

    #[test]
    fn a_key_is_read_as_tools_print_it() {
        let read = secret(&[
            ("name", "KubeOP.\n"),
            ("algorithm", "hmac-sha512."),
            ("secret", "c2VjcmV0\n"),
        ]);
        let signer = signer(&read).ok().unwrap();
        assert_eq!(signer.signer_name().to_ascii(), "kubeop.");
        assert_eq!(signer.key(), b"secret");
    }

    #[rstest]
    #[case(&[("secret", "c2VjcmV0")], "no key \"name\"")]
    #[case(&[("name", "k")], "no key \"secret\"")]
    #[case(&[("name", "k"), ("secret", "c2VjcmV0"), ("algorithm", "hmac-md5")], "hmac-md5")]
    #[case(&[("name", "k"), ("secret", "not-base64!")], "no base64")]
    fn a_key_that_cannot_be_used_says_why_but_not_what_it_is(
        #[case] entries: &[(&str, &str)],
        #[case] words: &str,
    ) {
        let refused = signer(&secret(entries)).err().unwrap();
        assert!(refused.contains(words), "{refused}");
        assert!(
            !refused.contains("c2VjcmV0") && !refused.contains("not-base64"),
            "{refused}"
        );
    }
}
