//! Who may talk to the test cluster: users with a token each, so that the audit log tells them apart and RBAC
//! is truly tested.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The namespace that kubeOP runs in.
pub const KUBEOP_NAMESPACE: &str = "kubeop-system";

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The name, as RBAC and the audit log know it.
    pub user: String,
    /// Groups besides `system:authenticated`.
    pub groups: Vec<String>,
}

impl Identity {
    /// A user with these groups.
    pub fn user(user: &str, groups: &[&str]) -> Self {
        Identity {
            user: user.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        }
    }

    /// What the API server makes of a service account's token.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Identity::user(
            &format!("system:serviceaccount:{namespace}:{name}"),
            &[
                "system:serviceaccounts",
                &format!("system:serviceaccounts:{namespace}"),
            ],
        )
    }

    /// Who may do everything.
    pub fn admin() -> Self {
        Identity::user("admin", &["system:masters"])
    }

    /// The controller's service account.
    pub fn controller() -> Self {
        Identity::service_account(KUBEOP_NAMESPACE, "kubeop-controller")
    }

    /// The webhook's service account.
    pub fn webhook() -> Self {
        Identity::service_account(KUBEOP_NAMESPACE, "kubeop-webhook")
    }

    /// The identities that every test cluster knows.
    pub fn standard() -> Vec<Self> {
        vec![Identity::admin(), Identity::controller(), Identity::webhook()]
    }

    /// A file name for what belongs to this identity.
    pub(crate) fn file_stem(&self) -> String {
        self.user.replace([':', '/'], "-")
    }
}

/// Writes a kubeconfig for each identity and the API server's token file; returns the kubeconfigs' paths.
pub(crate) fn write_kubeconfigs(
    folder: &Path,
    server: &str,
    ca_file: &Path,
    identities: &[Identity],
) -> Result<Vec<PathBuf>> {
    let mut tokens = String::new();
    let mut paths = Vec::new();
    for (index, identity) in identities.iter().enumerate() {
        let token = random_token()?;
        // Token, user, uid, groups: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
        tokens.push_str(&format!(
            "{token},{},{index},\"{}\"\n",
            identity.user,
            identity.groups.join(",")
        ));
        let path = folder.join(format!("{}.kubeconfig", identity.file_stem()));
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": ca_file}}],
            "users": [{"name": identity.user, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": identity.user}}],
            "current-context": "test",
        });
        write_private(&path, &serde_json::to_string_pretty(&config)?)?;
        paths.push(path);
    }
    write_private(&token_file(folder), &tokens)?;
    Ok(paths)
}

pub(crate) fn token_file(folder: &Path) -> PathBuf {
    folder.join("tokens.csv")
}

/// Writes a file that only its owner reads: whoever holds a token is that user.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
