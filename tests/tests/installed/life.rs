//! A Project with all that it can keep, and an App with all that it can render, from beginning to end.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::ground::{Ground, SOON, WEB};

const PROJECTS: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: life}\nspec:\n\
    \x20 tenantRef: acme\n  quota: {hard: {pods: '20'}}\n\
    \x20 limitRange: {limits: [{type: Container, defaultRequest: {cpu: 10m, memory: 16Mi}}]}\n\
    \x20 registryCredentials: [{name: ghcr}]\n\
    \x20 members: [{kind: User, name: lena, apiGroup: rbac.authorization.k8s.io}]\n---\n\
    apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: brief}\n\
    spec: {tenantRef: acme, deletionPolicy: Delete}\n";

const APP: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {name: shop, namespace: kubeop-life}\n\
    spec:\n  projectRef: life\n  revisionHistoryLimit: 1\n  delivery:\n    kind: Image\n    image:\n\
    \x20     ref: ghcr.io/acme/payments:2.3.1\n      ports: [{name: http, containerPort: 8080}]\n\
    \x20     env: [{name: NUMBER, value: '1'}]\n\
    \x20     ingress: {host: shop.example.com, tls: true}\n\
    \x20 hooks:\n    pre: [{name: migrate, image: 'ghcr.io/acme/payments-migrate:2.3.1', command: [/bin/sh, -c, ./migrate.sh]}]\n";

pub async fn a_project_and_its_app_begin_and_end(ground: &Ground) {
    let credential = "-n kubeop-system create secret docker-registry ghcr --docker-server=ghcr.io \
        --docker-username=acme --docker-password=hunter2";
    ground.kubectl(credential).await.unwrap();
    let label = "-n kubeop-system label secret ghcr platform.kubeop.io/mirror=true";
    ground.kubectl(label).await.unwrap();
    ground.apply(PROJECTS).await.unwrap();
    for name in ["life", "brief"] {
        let ready = format!("wait project/{name} --for=condition=Ready --timeout=60s");
        ground.kubectl(&ready).await.unwrap();
    }
    for number in 1..=3 {
        let app = APP.replace("value: '1'", &format!("value: '{number}'"));
        ground.apply(&app).await.unwrap();
        let current = "wait apps.platform.kubeop.io/shop -n kubeop-life --for=condition=Ready --timeout=90s";
        // The condition of the revision before would do for `wait`.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        ground.kubectl(current).await.unwrap();
    }
    // No resolver knows this host, so from here on the App waits for its record.
    let named = APP.replace("tls: true", "tls: true, dns: {target: 192.0.2.7}");
    ground.apply(&named).await.unwrap();
    for line in ["--for=create", "--for=condition=Reconciling"] {
        let record = format!("wait dnsrecords.platform.kubeop.io/shop -n kubeop-life {line} --timeout=60s");
        ground.kubectl(&record).await.unwrap();
    }
    // A record is read where a request speaks of a revision, a Project where it is not known.
    let unknown = ground
        .kubectl(
            "annotate apps.platform.kubeop.io/shop -n kubeop-life platform.kubeop.io/rollback-to=ffffffffffff",
        )
        .await
        .unwrap_err()
        .to_string();
    assert!(unknown.contains("[RevisionNotKept]"), "{unknown}");
    let nobody = APP.replace("projectRef: life", "projectRef: nobody");
    let nobody = ground.apply(&nobody).await.unwrap_err().to_string();
    assert!(nobody.contains("[ProjectNotFound]"), "{nobody}");
    let tenant = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: orphan}\n\
        spec: {tenantRef: nobody}\n";
    let nobody = ground.apply(tenant).await.unwrap_err().to_string();
    assert!(nobody.contains("[TenantNotFound]"), "{nobody}");
    // Hand edits are put back.
    ground
        .kubectl("patch resourcequota kubeop -n kubeop-life --type=merge -p {\"spec\":{\"hard\":{\"pods\":\"99\"}}}")
        .await
        .unwrap();
    ground
        .kubectl("label namespace kubeop-life app.kubeop.io/tenant-id=other --overwrite")
        .await
        .unwrap();
    is(
        ground,
        "get resourcequota kubeop -n kubeop-life -o jsonpath={.spec.hard.pods}",
        "20",
    )
    .await;
    let label = "get namespace kubeop-life -o jsonpath={.metadata.labels.app\\.kubeop\\.io/tenant-id}";
    is(ground, label, "acme").await;
    let pulls = "get serviceaccount default -n kubeop-life -o jsonpath={.imagePullSecrets[*].name}";
    is(ground, pulls, "ghcr").await;
    ground
        .kubectl("-n kubeop-system annotate secret ghcr platform.kubeop.io/tenants=globex")
        .await
        .unwrap();
    is(ground, pulls, "").await;
    let parts = "get resourcequota,limitrange,rolebinding -n kubeop-life -o name";
    let kept = ground.kubectl(parts).await.unwrap();
    let bare = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: life}\nspec: {tenantRef: acme}\n";
    ground.apply(bare).await.unwrap();
    wait::until("what is no longer asked for is gone", SOON, || async {
        let left = ground.kubectl(parts).await?;
        let fewer = left.lines().count() + 3 == kept.lines().count();
        ensure!(fewer, "before:\n{kept}now:\n{left}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    for line in [
        "delete apps.platform.kubeop.io/shop -n kubeop-life --timeout=60s",
        "delete project/life project/brief --timeout=90s",
    ] {
        if let Err(error) = ground.kubectl(line).await {
            panic!("{error:#}\n{}", ground.story().await);
        }
    }
    let namespaces = ground.kubectl("get namespaces -o name").await.unwrap();
    assert!(
        namespaces.contains("kubeop-life") && namespaces.contains(WEB),
        "{namespaces}"
    );
    wait::until("the namespace that kubeOP made goes", SOON, || async {
        let left = ground.kubectl("get namespaces -o name").await?;
        ensure!(!left.contains("kubeop-brief"), "{left}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

async fn is(ground: &Ground, args: &str, wanted: &str) {
    wait::until(args, SOON, || async {
        let said = ground.kubectl(args).await?;
        ensure!(said == wanted, "{said}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}
