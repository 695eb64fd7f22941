//! Requests by annotation, with the controller that acts on them.

use crate::support::{NAMESPACE, Web, app};
use kubeop_tests::wait;
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn s59_skip_hook_is_resolved_recorded_and_refused_where_nothing_failed() {
    let web = Web::shared().await;
    let mut app = app("skips", "ghcr.io/acme/x:1");
    let env = json!([{"name": kubeop_tests::fake::EXIT_CODE, "value": "3"}]);
    app["spec"]["hooks"] = json!({"pre": [{"name": "migrate", "image": "ghcr.io/acme/m:1", "env": env}]});
    web.apply(&app).await.success().unwrap();
    let name = "apps.platform.kubeop.io/skips";
    let skip = async |value: &str| {
        let args = format!("annotate --overwrite -n {NAMESPACE} {name} platform.kubeop.io/skip-hook={value}");
        web.kubectl(&args).await
    };
    let early = skip("other").await;
    assert!(early.stderr.contains("[HookNotFailed]"), "{early:?}");
    wait::until("the hook has failed", SOON, || async {
        let app = web.get(name).await;
        anyhow::ensure!(app["status"].to_string().contains("HookFailed"), "{app}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let wrong = skip("check").await;
    assert!(
        wrong.stderr.contains("Write one of these: pre/migrate"),
        "{wrong:?}"
    );
    skip("migrate").await.success().unwrap();
    let app = web.get(name).await;
    let resolved = app["metadata"]["annotations"]["platform.kubeop.io/skip-hook"]
        .as_str()
        .unwrap();
    assert!(
        resolved.starts_with("pre/migrate of ") && resolved.contains(" by "),
        "{resolved}"
    );
    wait::until("delivery went on", SOON, || async {
        let app = web.get(name).await;
        anyhow::ensure!(app["status"]["handled"].to_string().contains(" by "), "{app}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let record = web.get("configmaps/kubeop-revision-skips").await;
    let hooks = record["data"]["hooks"].as_str().unwrap();
    assert!(
        hooks.contains("outcome: Skipped") && hooks.contains("by: "),
        "{hooks}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s47_a_hook_that_needs_what_comes_later_is_warned_of() {
    let web = Web::shared().await;
    let mut app = app("needing", "ghcr.io/acme/x:1");
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}});
    app["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": [settings]}});
    app["spec"]["suspend"] = json!(true);
    app["spec"]["hooks"] = json!({"pre": [{"name": "migrate", "image": "ghcr.io/acme/m:1",
        "envFrom": [{"configMapRef": {"name": "settings"}}]}]});
    let output = web.apply(&app).await;
    for part in [
        "spec.hooks.pre[0].envFrom[0].configMapRef.name",
        "spec.delivery.raw.manifests[0]",
        "spec.hooks.needs: Config",
    ] {
        assert!(output.stderr.contains(part), "{output:?}");
    }
}
