//! Objects to start from, and the one question that these tests ask: would the API server take this?

use kube::api::PostParams;
use kube::core::Request;
use kubeop_tests::Cluster;
use kubeop_tests::wait::until;
use serde_json::{Value, json};
use std::process;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Served a moment before their schemas are published.
const KINDS: [&str; 5] = ["apps", "certificates", "dnsrecords", "projects", "tenants"];

/// A cluster in which our CRDs are installed, as a user does it, and nothing else of ours: with a webhook in
/// it, admission would speak first.
pub async fn cluster() -> &'static Cluster {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let cluster = Cluster::shared().await;
    INSTALLED
        .get_or_init(|| async {
            let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/crds");
            for arguments in [
                ["apply", "-f", crds].as_slice(),
                &["apply", "-k", crds],
                &["wait", "--for=condition=Established", "--timeout=20s", "-f", crds],
            ] {
                cluster.kubectl(arguments).await.unwrap().success().unwrap();
            }
            for kind in KINDS {
                let explained = || async { cluster.kubectl(["explain", kind]).await?.success() };
                until("schemas are published", Duration::from_secs(20), explained)
                    .await
                    .unwrap();
            }
        })
        .await;
    cluster
}

/// Creates without keeping, with strict field validation as `kubectl` asks for it. What the API server
/// says comes back as text.
pub async fn create_dry_run(object: &Value) -> Result<(), String> {
    let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
    let path = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/apis/platform.kubeop.io/v1alpha1/namespaces/{namespace}/{plural}"),
        None => format!("/apis/platform.kubeop.io/v1alpha1/{plural}"),
    };
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut request = Request::new(path)
        .create(&params, object.to_string().into_bytes())
        .unwrap();
    *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri())
        .parse()
        .unwrap();
    let answer = cluster()
        .await
        .client()
        .await
        .unwrap()
        .request::<Value>(request)
        .await;
    answer.map(drop).map_err(|error| error.to_string())
}

/// What is wrong, the object, and what the answer has to say.
pub type Case = (&'static str, Value, &'static [&'static str]);

/// Each object is refused, and the answer has all that it has to say.
pub async fn assert_refused(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (what, object, fragments) in cases {
        match create_dry_run(&object).await {
            Ok(()) => wrong.push(format!("{what}: accepted")),
            Err(said) => {
                for fragment in fragments {
                    if !said.contains(fragment) {
                        wrong.push(format!("{what}: {fragment:?} is not in: {said}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An App of a project `web`, with this spec.
pub fn app(mut spec: Value) -> Value {
    spec["projectRef"] = "web".into();
    json!({
        "apiVersion": "platform.kubeop.io/v1alpha1",
        "kind": "App",
        "metadata": {"name": "payments", "namespace": "default"},
        "spec": spec,
    })
}

/// An App of kind Image, with these fields of `delivery.image`.
pub fn image_app(mut image: Value) -> Value {
    if image.get("ref").is_none() {
        image["ref"] = "ghcr.io/acme/payments:2.3.1".into();
    }
    app(json!({"delivery": {"kind": "Image", "image": image}}))
}

/// A Project with these fields of its spec.
pub fn project(mut spec: Value) -> Value {
    spec["tenantRef"] = "acme".into();
    json!({
        "apiVersion": "platform.kubeop.io/v1alpha1",
        "kind": "Project",
        "metadata": {"name": "web"},
        "spec": spec,
    })
}

/// What `kubectl` prints; a failure of it is one of the test.
pub async fn kubectl(arguments: &[&str]) -> String {
    kubectl_says(arguments)
        .await
        .unwrap_or_else(|said| panic!("kubectl {arguments:?}: {said}"))
}

/// What `kubectl` prints, on success and on failure.
pub async fn kubectl_says(arguments: &[&str]) -> Result<String, String> {
    let output = cluster().await.kubectl(arguments).await.unwrap();
    match output.status {
        0 => Ok(output.stdout),
        _ => Err(output.stderr),
    }
}

/// A name that no other run of these tests uses.
pub fn unique(name: &str) -> String {
    format!("{name}-{}", process::id())
}

/// A new namespace.
pub async fn new_namespace(name: &str) -> String {
    let name = unique(name);
    kubectl(&["create", "namespace", &name]).await;
    name
}
