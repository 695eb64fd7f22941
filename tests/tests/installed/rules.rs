//! The rules, as the installed programs and policies hold them.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::ground::{Ground, SOON, WEB};

/// A line that must be refused, and what it says.
async fn refused(ground: &Ground, args: &str, words: &str) {
    let said = ground.kubectl(args).await.expect_err(args).to_string();
    assert!(said.contains(words), "kubectl {args}\n{said}");
}

async fn done(ground: &Ground, lines: &[&str]) {
    for line in lines {
        if let Err(error) = ground.kubectl(line).await {
            panic!("kubectl {line}\n{error:#}\n{}", ground.story().await);
        }
    }
}

pub async fn s18_labels_of_namespaces_are_reserved(ground: &Ground) {
    done(
        ground,
        &[
            "create clusterrole may-namespaces --verb=get,patch,update \
             --resource=namespaces,namespaces/status,namespaces/finalize",
            "create clusterrolebinding may-namespaces --clusterrole=may-namespaces --user=bob",
            "label namespace default a=b --as=bob",
            "label namespace kubeop-web a=b --as=bob",
        ],
    )
    .await;
    let patch = "{\"metadata\":{\"labels\":{\"app.kubeop.io/project-id\":\"mine\"}}}";
    for namespace in ["default", WEB] {
        let line = format!("patch namespace {namespace} --as=bob --type=merge -p {patch}");
        refused(ground, &line, "[Reserved]").await;
        refused(ground, &format!("{line} --subresource=status"), "[Reserved]").await;
    }
}

pub async fn s51_tenant_project_and_app_go_in_one_sweep(ground: &Ground) {
    ground
        .apply(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: sweep}\nspec: {}\n---\n\
             apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\n\
             metadata: {name: sweep, annotations: {platform.kubeop.io/protect: 'true'}}\n\
             spec: {tenantRef: sweep, deletionPolicy: Delete}\n",
        )
        .await
        .unwrap();
    done(
        ground,
        &["wait project/sweep --for=condition=Ready --timeout=60s"],
    )
    .await;
    ground
        .apply(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {name: a, namespace: kubeop-sweep}\n\
             spec:\n  projectRef: sweep\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n\
             \x20     - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}\n",
        )
        .await
        .unwrap();
    refused(ground, "delete project/sweep", "[Protected]").await;
    done(
        ground,
        &[
            "annotate project/sweep platform.kubeop.io/protect-",
            "delete tenant/sweep project/sweep --wait=false",
            "delete apps.platform.kubeop.io/a -n kubeop-sweep --wait=false",
            "wait tenant/sweep project/sweep namespace/kubeop-sweep --for=delete --timeout=90s",
        ],
    )
    .await;
}

pub async fn s57_the_clusters_namespaces_and_anothers_are_nobodys(ground: &Ground) {
    let project = |namespace: &str| {
        format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: grabs}}\n\
             spec: {{tenantRef: acme, adopt: true, namespace: {namespace}}}\n"
        )
    };
    for namespace in ["default", "kube-system", "kubeop-system"] {
        let said = ground.apply(&project(namespace)).await.unwrap_err().to_string();
        assert!(said.contains("spec.namespace"), "{said}");
    }
    ground.apply(&project(WEB)).await.unwrap();
    let reason = "get project/grabs -o jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}";
    wait::until("the Project is told", SOON, || async {
        let said = ground.kubectl(reason).await?;
        ensure!(said == "NamespaceRefused", "{said}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let label = "get namespace kubeop-web -o jsonpath={.metadata.labels.app\\.kubeop\\.io/project-id}";
    assert_eq!(ground.kubectl(label).await.unwrap(), "web");
    done(ground, &["delete project/grabs --timeout=60s"]).await;
}

/// The list loses the image of what runs.
pub async fn s16_s20_a_rule_that_tightens_stops_what_is_new(ground: &Ground) {
    let held = "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n\
        metadata: {name: held, namespace: kubeop-web, finalizers: [test.example/held]}\n\
        spec: {projectRef: web, delivery: {kind: Image, image: {ref: 'ghcr.io/acme/payments:2.3.2', replicas: 0}}}\n";
    ground.apply(held).await.unwrap();
    ground.app_is_ready("held").await;
    let list = |list: &str| {
        format!("patch project/web --type=merge -p {{\"spec\":{{\"imageAllowlist\":[{list}]}}}}")
    };
    done(ground, &[&list("\"ghcr.io/other\"")]).await;
    wait::until("the webhook knows the list", SOON, || async {
        let asked = "-n kubeop-web run new --image=ghcr.io/acme/payments:2.3.1 --dry-run=server";
        let said = ground.kubectl(asked).await;
        ensure!(said.is_err(), "it is admitted");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    // What runs may be labelled and scaled, and what goes may go.
    done(
        ground,
        &[
            "-n kubeop-web label pods -l app.kubeop.io/app-id=payments seen=yes",
            "-n kubeop-web scale apps.platform.kubeop.io/payments --replicas=2",
            "-n kubeop-web delete apps.platform.kubeop.io/held --wait=false",
        ],
    )
    .await;
    let finalizers = "-n kubeop-web get apps.platform.kubeop.io/held -o jsonpath={.metadata.finalizers}";
    wait::until("kubeOP has let go", SOON, || async {
        let left = ground.kubectl(finalizers).await?;
        ensure!(left == "[\"test.example/held\"]", "{left}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    done(
        ground,
        &[
            "-n kubeop-web patch apps.platform.kubeop.io/held --type=merge -p {\"metadata\":{\"finalizers\":null}}",
            "-n kubeop-web wait apps.platform.kubeop.io/held --for=delete --timeout=30s",
        ],
    )
    .await;
    refused(
        ground,
        "-n kubeop-web set image deployment/payments *=ghcr.io/acme/payments:2.3.2",
        "[ImageNotAllowed]",
    )
    .await;
    // A Pod that goes is not followed, and the App says why.
    done(
        ground,
        &["-n kubeop-web delete pods -l app.kubeop.io/app-id=payments --now"],
    )
    .await;
    let conditions = "-n kubeop-web get apps.platform.kubeop.io/payments -o jsonpath={.status.conditions}";
    wait::until("the App names image and rule", SOON, || async {
        let said = ground.kubectl(conditions).await?;
        for part in ["ghcr.io/acme/payments:2.3.1", "is not in the list of project web"] {
            ensure!(said.contains(part), "no {part:?} in {said}");
        }
        anyhow::Ok(())
    })
    .await
    .unwrap();
    done(
        ground,
        &[
            &list(""),
            "-n kubeop-web scale apps.platform.kubeop.io/payments --replicas=3",
        ],
    )
    .await;
    ground.app_is_ready("payments").await;
    let ready = "-n kubeop-web get deployment/payments -o jsonpath={.status.readyReplicas}";
    assert_eq!(ground.kubectl(ready).await.unwrap(), "3");
}
