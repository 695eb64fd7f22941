//! One evening of an App that a GitOps tool applies again and again, and that Argo CD's actions are used on.

use std::time::Duration;

use anyhow::{Result, ensure};
use kubeop_tests::generated::repository;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, fake, wait};
use serde_json::{Value, json};

use crate::argo::Argo;

const SOON: Duration = Duration::from_secs(60);
const NS: &str = "kubeop-web";

/// What stands in Git, applied as the controller of Flux does it.
async fn sync(cluster: &Cluster, yaml: &str) {
    let args = "apply --server-side --force-conflicts --field-manager=kustomize-controller -f -";
    let applied = cluster.kubectl_with_input(args.split(' '), yaml).await;
    applied.unwrap().success().unwrap();
}

fn project() -> String {
    "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n---\n\
     apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: web}\nspec: {tenantRef: acme}\n"
        .to_owned()
}

fn app(tag: u32, exit_code: u32) -> String {
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {NS}}}\n\
         spec:\n  projectRef: web\n  delivery:\n    kind: Image\n    image:\n      ref: ghcr.io/acme/pay:{tag}\n\
         \x20     ports: [{{name: http, containerPort: 8080}}]\n\
         \x20 hooks:\n    pre: [{{name: migrate, image: 'ghcr.io/acme/migrate:{tag}', \
         env: [{{name: {}, value: '{exit_code}'}}]}}]\n",
        fake::EXIT_CODE
    )
}

async fn get(cluster: &Cluster, what: &str) -> Result<Value> {
    let args = format!("get {what} -o json");
    Ok(serde_json::from_str(
        &cluster.kubectl(args.split(' ')).await?.success()?,
    )?)
}

async fn pay(cluster: &Cluster) -> Result<Value> {
    get(cluster, &format!("apps.platform.kubeop.io/pay -n {NS}")).await
}

/// The App once Argo CD calls it so, for this reason.
async fn becomes(cluster: &Cluster, argo: &Argo, health: &str, words: &str) -> Value {
    wait::until(&format!("the App is {health}: {words}"), SOON, || async {
        let app = pay(cluster).await?;
        let (is, message) = argo.health(&app);
        ensure!(is == health && message.contains(words), "{is}: {message}");
        anyhow::Ok(app)
    })
    .await
    .unwrap()
}

/// An action that is offered, as Argo CD carries it out.
async fn act(cluster: &Cluster, argo: &Argo, action: &str) {
    let app = pay(cluster).await.unwrap();
    let offered = argo.offered(&app);
    assert!(offered.iter().any(|name| name == action), "{action}: {offered:?}");
    let patch = argo.patch(action, &app).to_string();
    let args = "patch apps.platform.kubeop.io/pay --type=merge --field-manager=argocd-server -n";
    let args = args.split(' ').chain([NS, "-p", &patch]);
    cluster.kubectl(args).await.unwrap().success().unwrap();
}

/// Another look at Git changes nothing.
async fn syncs_change_nothing(cluster: &Cluster, yaml: &str) {
    let version = async || pay(cluster).await.unwrap()["metadata"]["resourceVersion"].take();
    let before = version().await;
    for _ in 0..3 {
        sync(cluster, yaml).await;
    }
    // Whatever a controller would do about it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(version().await, before);
}

fn image(app: &Value) -> &Value {
    &app["spec"]["template"]["spec"]["containers"][0]["image"]
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_s38_a_gitops_tool_and_kubeop_live_side_by_side() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let _kubeop = KubeOp::install(&cluster, InstallOptions::default())
        .await
        .unwrap();
    let argo = Argo::configured();
    sync(&cluster, &project()).await;
    for owner in [
        "tenants.platform.kubeop.io/acme",
        "projects.platform.kubeop.io/web",
    ] {
        wait::until(owner, SOON, || async {
            let (health, message) = argo.health(&get(&cluster, owner).await?);
            ensure!(health == "Healthy", "{health}: {message}");
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }

    sync(&cluster, &app(1, 0)).await;
    becomes(&cluster, &argo, "Healthy", "everything is delivered").await;
    syncs_change_nothing(&cluster, &app(1, 0)).await;

    let second = app(2, 3);
    sync(&cluster, &second).await;
    becomes(&cluster, &argo, "Degraded", "pre hook migrate failed").await;
    act(&cluster, &argo, "retry-hooks").await;
    wait::until("another attempt", SOON, || async {
        let app = pay(&cluster).await?;
        let jobs = get(&cluster, &format!("jobs -n {NS}")).await?;
        ensure!(
            jobs["items"].as_array().map(Vec::len) == Some(3),
            "{}",
            app["status"]
        );
        anyhow::Ok(())
    })
    .await
    .unwrap();
    becomes(&cluster, &argo, "Degraded", "pre hook migrate failed").await;
    act(&cluster, &argo, "skip-hook").await;
    becomes(&cluster, &argo, "Healthy", "everything is delivered").await;
    syncs_change_nothing(&cluster, &second).await;

    let deployment = async || get(&cluster, &format!("deployment/pay -n {NS}")).await.unwrap();
    act(&cluster, &argo, "rollback-to-previous").await;
    becomes(&cluster, &argo, "Healthy", "instead of revision 2").await;
    assert_eq!(image(&deployment().await), "ghcr.io/acme/pay:1");
    syncs_change_nothing(&cluster, &second).await;
    act(&cluster, &argo, "lift-rollback").await;
    becomes(&cluster, &argo, "Healthy", "everything is delivered").await;
    assert_eq!(image(&deployment().await), "ghcr.io/acme/pay:2");

    act(&cluster, &argo, "suspend").await;
    becomes(&cluster, &argo, "Suspended", "spec.suspend").await;
    syncs_change_nothing(&cluster, &second).await;
    act(&cluster, &argo, "resume").await;
    becomes(&cluster, &argo, "Healthy", "everything is delivered").await;

    the_component_teaches_an_argo_cd(&cluster).await;
    the_command_of_the_page_adds_to_the_settings(&cluster).await;
}

/// The command of docs/operation/gitops.md.
async fn the_command_of_the_page_adds_to_the_settings(cluster: &Cluster) {
    let kubectl = async |args: &str| cluster.kubectl(args.split(' ')).await.unwrap().success().unwrap();
    kubectl("create namespace argocd").await;
    kubectl("create configmap argocd-cm -n argocd --from-literal=url=https://cd.example").await;
    let page = std::fs::read_to_string(repository().join("docs/operation/gitops.md")).unwrap();
    let command = page
        .lines()
        .find_map(|line| line.strip_prefix("kubectl "))
        .unwrap();
    let manifests = repository().join("manifests").display().to_string();
    kubectl(&command.replace("manifests", &manifests)).await;
    let settings = get(cluster, "configmap/argocd-cm -n argocd").await.unwrap();
    assert_eq!(settings["data"].as_object().unwrap().len(), 7);
}

/// `manifests/gitops` on an `argocd-cm` that has settings of its own.
async fn the_component_teaches_an_argo_cd(cluster: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let component = repository().canonicalize().unwrap().join("manifests/gitops");
    // kustomize takes no absolute path.
    let up = "../".repeat(folder.path().components().count());
    let kustomization = json!({
        "resources": ["argocd-cm.yaml"],
        "components": [format!("{up}{}", component.strip_prefix("/").unwrap().display())],
    });
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": {"url": "https://cd.example"}});
    let write =
        |name: &str, value: &Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    write("kustomization.yaml", &kustomization);
    write("argocd-cm.yaml", &settings);
    let folder = folder.path().display().to_string();
    let rendered = cluster
        .kubectl(["kustomize", &folder])
        .await
        .unwrap()
        .success()
        .unwrap();
    let rendered: Value = serde_saphyr::from_str(&rendered).unwrap();
    assert_eq!(rendered["metadata"]["namespace"], "argocd");
    let keys: Vec<_> = rendered["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 7, "{keys:?}");
}
