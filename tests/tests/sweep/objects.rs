//! What is delivered: an App of four small objects and two hooks, its second revision, and what stands by.

use kubeop_tests::fake;
use serde_json::{Value, json};

/// The App that lives and dies.
pub const APP: &str = "pay";

/// Another App, which nobody touches.
pub const OTHER: &str = "other";

/// What the second revision leaves out: plural name and name.
pub const DROPPED: (&str, &str) = ("secrets", "token");

/// What the App delivers, in both revisions together: plural names and names.
pub const DELIVERED: [(&str, &str); 5] = [
    ("configmaps", "settings"),
    ("configmaps", "more"),
    ("secrets", "token"),
    ("services", "pay"),
    ("deployments", "pay"),
];

/// How many Pods each revision makes.
pub const REPLICAS: usize = 2;

pub fn project(name: &str) -> Value {
    // Only warned of: there is no webhook here.
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project", "metadata": {"name": name},
        "spec": {"tenantRef": "acme", "enforcement": "Audit"}})
}

/// A person's own objects. The second one was copied from the App, label and all.
pub fn bystanders() -> [Value; 2] {
    let copied = json!({"app.kubeop.io/app-id": APP});
    [
        config_map("notes", "mine", json!({})),
        config_map("copied", "mine", copied),
    ]
}

pub fn other(project: &str) -> Value {
    let manifests = json!([config_map("others", "1", json!({}))]);
    app(OTHER, project, &manifests, &json!({}))
}

pub fn first(project: &str) -> Value {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"},
        "stringData": {"token": "first"}});
    let manifests = json!([
        config_map("settings", "1", json!({})),
        secret,
        deployment("1"),
        service()
    ]);
    app(APP, project, &manifests, &hooks(json!([])))
}

/// Changes one object, leaves one out, brings one.
pub fn second(project: &str) -> Value {
    let manifests = json!([
        config_map("settings", "1", json!({})),
        config_map("more", "1", json!({})),
        deployment("2"),
        service(),
    ]);
    app(APP, project, &manifests, &hooks(json!([])))
}

/// The second one with a pre hook that fails.
pub fn failing(project: &str) -> Value {
    let mut app = second(project);
    app["spec"]["hooks"] = hooks(json!([{"name": fake::EXIT_CODE, "value": "3"}]));
    app
}

/// Pre hooks of [`revision`].
pub const PRE: [&str; 2] = ["backup", "migrate"];

/// Post hooks of [`revision`].
pub const POST: [&str; 1] = ["notify"];

/// An App whose images, those of its hooks too, all have the same tag: it tells the revision. Its last pre hook ends
/// with this code, after this time.
pub fn revision(project: &str, tag: &str, exit_code: u8, run_for: &str, needs: &str) -> Value {
    let manifests = json!([config_map("settings", tag, json!({})), deployment(tag), service()]);
    let env = json!([
        {"name": fake::EXIT_CODE, "value": exit_code.to_string()},
        {"name": fake::RUN_FOR, "value": run_for},
    ]);
    let hooks = json!({
        "needs": needs,
        "pre": [hook(PRE[0], tag, json!([])), hook(PRE[1], tag, env)],
        "post": POST.map(|name| hook(name, tag, json!([]))),
    });
    app(APP, project, &manifests, &hooks)
}

fn hook(name: &str, tag: &str, env: Value) -> Value {
    json!({"name": name, "image": format!("ghcr.io/acme/{name}:{tag}"), "env": env})
}

fn hooks(env: Value) -> Value {
    json!({"pre": [hook("migrate", "1", env)], "post": [hook("notify", "1", json!([]))]})
}

fn app(name: &str, project: &str, manifests: &Value, hooks: &Value) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "metadata": {"name": name}, "spec": {
        "projectRef": project,
        "delivery": {"kind": "Raw", "raw": {"manifests": manifests}},
        "hooks": hooks,
    }})
}

fn config_map(name: &str, value: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels},
        "data": {"value": value}})
}

fn deployment(tag: &str) -> Value {
    let labels = json!({"name": "pay"});
    let container = json!({"name": "pay", "image": format!("ghcr.io/acme/pay:{tag}")});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "pay"}, "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }})
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pay"},
        "spec": {"selector": {"name": "pay"}, "ports": [{"port": 80}]}})
}
