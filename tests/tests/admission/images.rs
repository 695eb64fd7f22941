//! Which images may run: the same for a Pod and for an App.

use crate::support::{D64, NAMESPACE, Web, app, pod, raw};
use serde_json::json;

/// Refused with this code, as a Pod and as an App, each at its path.
async fn refused(web: &Web, image: &str, code: &str) {
    let by_pod = web.refused(&pod("x", image)).await;
    let by_app = web.refused(&app("x", image)).await;
    let line = |path: &str| format!("[{code}] {path}: ");
    assert!(
        by_pod.contains(&line("spec.containers[0].image")),
        "{image:?}: {by_pod}"
    );
    assert!(
        by_app.contains(&line("spec.delivery.image.ref")),
        "{image:?}: {by_app}"
    );
}

async fn allowed(web: &Web, image: &str) {
    web.allowed(&pod("x", image)).await;
    web.allowed(&app("x", image)).await;
}

#[tokio::test]
async fn s01_a_prefix_ends_where_a_segment_ends() {
    let web = Web::shared().await;
    for image in [
        "ghcr.io/acmebad/x:1",
        "ghcr.io.evil.example/acme/x:1",
        "registry.example.com.evil.example/x",
        "docker.io/libraryx/nginx",
    ] {
        refused(&web, image, "ImageNotAllowed").await;
    }
    allowed(&web, "ghcr.io/acme/x:1").await;
}

#[tokio::test]
async fn s02_docker_hub_has_four_spellings() {
    let web = Web::shared().await;
    for image in [
        "nginx",
        "library/nginx",
        "docker.io/nginx",
        "index.docker.io/library/nginx",
    ] {
        allowed(&web, image).await;
    }
    for image in ["acme/nginx", "fake.docker.io/library/nginx"] {
        refused(&web, image, "ImageNotAllowed").await;
    }
}

#[tokio::test]
async fn s03_good_references_of_every_form_pass() {
    let web = Web::shared().await;
    allowed(&web, "registry.example.com/nginx:1.27").await;
    allowed(&web, "registry.example.com/team_a/my__app:1.0").await;
    allowed(&web, &format!("registry.example.com/a/b/c/d@sha256:{D64}")).await;
}

#[tokio::test]
async fn s04_what_cannot_be_read_is_refused_as_such() {
    let web = Web::shared().await;
    for image in [
        "registry.example.com/p/img:latest:0.0.1",
        "registry.example.com/p/img:feature/two",
        "registry.example.com/p/img:",
        "registry.example.com//img",
    ] {
        refused(&web, image, "ImageUnreadable").await;
    }
    // The API server itself refuses surrounding blanks in a Pod, and an empty `ref` by schema.
    let blank = web.refused(&app("x", " registry.example.com/img")).await;
    assert!(blank.contains("spec.delivery.image.ref"), "{blank}");
}

#[tokio::test]
async fn s05_a_port_is_part_of_the_host() {
    let web = Web::shared().await;
    refused(
        &web,
        &format!("registry.example.com:5000/a/b:1.2@sha256:{D64}"),
        "ImageNotAllowed",
    )
    .await;
    allowed(&web, &format!("registry.example.com/a/b:1.2@sha256:{D64}")).await;
    refused(&web, "registry.example.com/a@sha256:abc", "ImageUnreadable").await;
}

#[tokio::test]
async fn s06_capitals_make_a_host() {
    let web = Web::shared().await;
    for image in ["Acme/app", "LOCALHOST:5000/app", "localhost/app"] {
        refused(&web, image, "ImageNotAllowed").await;
    }
    refused(&web, "acme/App", "ImageUnreadable").await;
    allowed(&web, "GHCR.IO/acme/x").await;
}

#[tokio::test]
async fn s61_the_id_of_an_image_is_no_reference() {
    let web = Web::shared().await;
    for image in [
        format!("sha256:{D64}"),
        "sha256:01234567".to_owned(),
        format!("sha384:{D64}"),
    ] {
        refused(&web, &image, "ImageId").await;
        let mut hooked = app("x", "ghcr.io/acme/x");
        hooked["spec"]["hooks"] = json!({"pre": [{"name": "m", "image": image}]});
        let by_hook = web.refused(&hooked).await;
        assert!(by_hook.contains("[ImageId] spec.hooks.pre[0].image"), "{by_hook}");
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
        let embedded = web.refused(&raw("x", &[deployment])).await;
        assert!(
            embedded.contains("[ImageId] spec.delivery.raw.manifests[0].spec.template"),
            "{embedded}"
        );
    }
}

/// What the deployer of a namespace writes was judged with its App. Early notice it gets none of; the boundary holds
/// for it as for everybody, and nobody else is taken for it.
#[tokio::test]
async fn nothing_that_acts_as_a_deployer_gets_a_pod_past_the_boundary() {
    let web = Web::shared().await;
    let create = async |who: &str, object: &serde_json::Value| {
        let args = format!("create --dry-run=server --as={who} --as-group=system:masters -f -");
        web.send(&args, object).await
    };
    let deployer = |namespace: &str| format!("system:serviceaccount:{namespace}:kubeop-deployer");
    let (here, elsewhere) = (deployer(NAMESPACE), deployer("default"));
    let bad = pod("x", "evil.example/x:1");
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "x", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": bad["spec"]}}});
    create(&here, &deployment).await.success().unwrap();
    for (who, object) in [(&here, &bad), (&elsewhere, &bad), (&elsewhere, &deployment)] {
        let refused = create(who, object).await.failure().unwrap();
        assert!(refused.contains("[ImageNotAllowed]"), "{who}: {refused}");
    }
}
