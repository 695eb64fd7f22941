//! Nothing that a Secret holds is told anywhere else.

use serde_json::Value;

use crate::ground::Ground;

/// Shorter values are words that stand everywhere.
const LONG: usize = 7;

pub async fn nothing_that_a_secret_holds_is_told(ground: &Ground) {
    let mut told = Vec::new();
    for line in [
        "-n kubeop-system logs -l app.kubernetes.io/part-of=kubeop --tail=-1 --prefix --all-containers",
        "get events -A -o yaml",
        "get apps.platform.kubeop.io,dnsrecords.platform.kubeop.io,certificates.platform.kubeop.io -A -o yaml",
        "get projects,tenants -o yaml",
        "get configmaps -A -l platform.kubeop.io/revision-record -o yaml",
    ] {
        told.push((line, ground.kubectl(line).await.unwrap()));
    }
    let secrets = ground.get("secrets -A").await.unwrap();
    let mut looked_for = 0;
    for secret in secrets["items"].as_array().into_iter().flatten() {
        let metadata = &secret["metadata"];
        for (key, value) in secret["data"].as_object().into_iter().flatten() {
            // Certificates are public.
            let encoded = value.as_str().unwrap_or_default();
            if key.ends_with(".crt") || encoded.len() < LONG {
                continue;
            }
            for part in parts(encoded) {
                looked_for += 1;
                for (line, text) in &told {
                    assert!(
                        !text.contains(&part),
                        "{} of Secret {} in {} is told by: kubectl {line}",
                        key,
                        metadata["name"],
                        metadata["namespace"]
                    );
                }
            }
        }
    }
    println!("  {looked_for} secret texts looked for");
    assert!(looked_for > 10);
}

/// A value as it is stored, as it is, and what stands alone in it: lines of a key, texts of a configuration.
fn parts(encoded: &str) -> Vec<String> {
    let mut parts = vec![encoded.to_owned()];
    let decoded: Option<k8s_openapi::ByteString> = serde_json::from_value(Value::from(encoded)).ok();
    let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes.0).ok()) else {
        return parts;
    };
    if let Ok(config) = serde_json::from_str::<Value>(&text) {
        texts(&config, &mut parts);
    }
    parts.extend(
        text.lines()
            .filter(|line| !line.starts_with("-----"))
            .map(str::to_owned),
    );
    parts.retain(|part| part.len() >= LONG);
    parts
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields
            .iter()
            // The user's name is no secret.
            .filter(|(name, _)| *name != "username")
            .for_each(|(_, value)| texts(value, into)),
        _ => {}
    }
}
