//! Objects to start from, and the one question that these tests ask: would the API server take this?

use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Client, Config};
use serde_json::{Value, json};
use std::process;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// A cluster in which only our CRDs are installed: with a webhook in it, admission would speak first.
fn kubeconfig() -> String {
    std::env::var("KUBEOP_TEST_KUBECONFIG").expect("KUBEOP_TEST_KUBECONFIG names a cluster to test in")
}

async fn client() -> Client {
    let file = Kubeconfig::read_from(kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// Applies our CRDs as a user does.
pub async fn install() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/crds");
    INSTALLED
        .get_or_init(|| async {
            kubectl(&["apply", "-f", crds]).await;
            kubectl(&["wait", "--for=condition=Established", "--timeout=10s", "-f", crds]).await;
        })
        .await;
}

/// Creates without keeping, with strict field validation as `kubectl` asks for it. What the API server
/// says comes back as text.
pub async fn create_dry_run(object: &Value) -> Result<(), String> {
    install().await;
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
    let answer = client().await.request::<Value>(request).await;
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
    let output = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(kubeconfig())
        .args(arguments)
        .output()
        .await
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// A name that no other run of these tests uses.
pub fn unique(name: &str) -> String {
    format!("{name}-{}", process::id())
}

/// A new namespace.
pub async fn new_namespace(name: &str) -> String {
    install().await;
    let name = unique(name);
    kubectl(&["create", "namespace", &name]).await;
    name
}
