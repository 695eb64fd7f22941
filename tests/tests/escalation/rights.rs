//! What RBAC alone must refuse: other namespaces, other accounts, and more rights than one has.

use serde_json::{Value, json};

use crate::attempt::{Attempt, What, Who, create, patch, put, run};
use crate::objects::{ELSEWHERE, app, binding, object, pod};

pub fn attempts() -> Vec<Attempt> {
    let groups = [elsewhere(), others(), of_the_cluster()];
    groups.into_iter().flatten().collect()
}

fn elsewhere() -> Vec<Attempt> {
    let there = |mut object: Value| {
        object["metadata"]["namespace"] = json!(ELSEWHERE);
        object
    };
    vec![
        run(
            "another project's Secret",
            Who::Edit,
            "get secret theirs -n kubeop-shop",
            "cannot get",
        ),
        run(
            "another project's Secret as the deployer",
            Who::Deployer,
            "get secret theirs -n kubeop-shop",
            "cannot get",
        ),
        run("all Secrets", Who::Edit, "get secrets -A", "cannot list"),
        create(
            "a Pod elsewhere",
            Who::Edit,
            there(pod("x", "ghcr.io/acme/x")),
            "cannot create",
        ),
        create(
            "a Pod elsewhere as the deployer",
            Who::Deployer,
            there(pod("x", "ghcr.io/acme/x")),
            "cannot create",
        ),
        create(
            "an App elsewhere",
            Who::Edit,
            there(app("x", "ghcr.io/acme/x")),
            "cannot create",
        ),
        create(
            "a binding elsewhere",
            Who::Admin,
            there(binding("view")),
            "cannot create",
        ),
        put(
            "kubeOP's own configuration",
            Who::Edit,
            "/api/v1/namespaces/kubeop-system/configmaps/kubeop-config",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeop-config"},
                "data": {"KUBEOP_IMAGE_ALLOWLIST": "evil.example"}}),
            "cannot update",
        ),
        run(
            "kubeOP's own keys",
            Who::Edit,
            "get secrets -n kubeop-system",
            "cannot list",
        ),
        run(
            "kubeOP's own lease",
            Who::Edit,
            "delete lease kubeop-controller -n kubeop-system",
            "cannot delete",
        ),
        endpoints(
            "Endpoints that lead elsewhere",
            Who::Edit,
            "cannot create resource \"endpoints\"",
        ),
        endpoints(
            "Endpoints that lead elsewhere, as the deployer",
            Who::Deployer,
            "cannot create resource \"endpoints\"",
        ),
        slice("an EndpointSlice that leads elsewhere", Who::Edit),
        slice(
            "an EndpointSlice that leads elsewhere, as the deployer",
            Who::Deployer,
        ),
    ]
}

/// A Service of one's own, and Pods of somebody else (CVE-2021-25740).
fn endpoints(name: &'static str, who: Who, refusal: &'static str) -> Attempt {
    let mut endpoints = object("v1", "Endpoints", "x");
    endpoints["subsets"] = json!([{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]);
    create(name, who, endpoints, refusal)
}

pub fn endpoint_slice() -> Value {
    let mut slice = object("discovery.k8s.io/v1", "EndpointSlice", "x");
    slice["addressType"] = json!("IPv4");
    slice["endpoints"] = json!([{"addresses": ["10.0.0.1"]}]);
    slice["ports"] = json!([{"port": 80}]);
    slice
}

fn slice(name: &'static str, who: Who) -> Attempt {
    create(
        name,
        who,
        endpoint_slice(),
        "cannot create resource \"endpointslices\"",
    )
}

fn others() -> Vec<Attempt> {
    let cannot = "cannot impersonate";
    vec![
        run(
            "to be the administrator",
            Who::Edit,
            "get pods -n kubeop-web --as=admin",
            cannot,
        ),
        run(
            "to be of the masters",
            Who::Edit,
            "get pods -A --as=edith --as-group=system:masters",
            cannot,
        ),
        run(
            "to be the deployer, and of the masters",
            Who::Deployer,
            "get pods -A --as-group=system:masters",
            cannot,
        ),
        run(
            "to be kubeOP's controller",
            Who::Edit,
            "get pods -A --as=system:serviceaccount:kubeop-system:kubeop-controller",
            cannot,
        ),
        run(
            "to be another project's deployer",
            Who::Edit,
            "get pods -n kubeop-shop --as=system:serviceaccount:kubeop-shop:kubeop-deployer",
            cannot,
        ),
        run(
            "to be the garbage collector",
            Who::Admin,
            "get pods -A --as=system:serviceaccount:kube-system:generic-garbage-collector",
            cannot,
        ),
        run(
            "a token of kubeOP's controller",
            Who::Edit,
            "create token kubeop-controller -n kubeop-system",
            "cannot create",
        ),
        run(
            "a token of another project",
            Who::Edit,
            "create token default -n kubeop-shop",
            "cannot create",
        ),
        run(
            "a token as the deployer",
            Who::Deployer,
            "create token default -n kubeop-web",
            "serviceaccounts/token",
        ),
        run(
            "a certificate of the cluster",
            Who::Edit,
            "get certificatesigningrequests",
            "cannot list",
        ),
    ]
}

fn of_the_cluster() -> Vec<Attempt> {
    let cluster = |api_version: &str, kind: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec});
    let volume =
        json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}});
    let service =
        json!({"group": "example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1});
    let ours_version = "platform.kubeop.io/v1alpha1";
    let ours = |what: &str| format!("/apis/{ours_version}/{what}");
    let mut quota = object("v1", "ResourceQuota", "x");
    quota["spec"] = json!({"hard": {"pods": "1"}});
    vec![
        run(
            "the gate away",
            Who::Edit,
            "delete validatingwebhookconfiguration kubeop",
            "cannot delete",
        ),
        run(
            "the gate away as the deployer",
            Who::Deployer,
            "delete validatingwebhookconfiguration kubeop",
            "cannot delete",
        ),
        run(
            "the policies away",
            Who::Admin,
            "delete validatingadmissionpolicybinding namespaces.reserved.kubeop.io",
            "cannot delete",
        ),
        create(
            "a volume of the node's files",
            Who::Deployer,
            cluster("v1", "PersistentVolume", volume),
            "cannot create",
        ),
        create(
            "a part of the API",
            Who::Edit,
            cluster("apiregistration.k8s.io/v1", "APIService", service),
            "cannot create",
        ),
        run(
            "the kubelet's API",
            Who::Edit,
            "get --raw /api/v1/nodes/node-0/proxy/",
            "nodes/proxy",
        ),
        run(
            "the namespace away",
            Who::Deployer,
            "delete namespace kubeop-web",
            "cannot delete",
        ),
        create("a quota of one's own", Who::Admin, quota.clone(), "cannot create"),
        create(
            "a quota of the deployer's own",
            Who::Deployer,
            quota,
            "cannot create",
        ),
        put(
            "a longer list of registries",
            Who::Edit,
            &ours("projects/web"),
            cluster(
                ours_version,
                "Project",
                json!({"imageAllowlist": ["evil.example"]}),
            ),
            "cannot update",
        ),
        put(
            "only to be warned",
            Who::Admin,
            &ours("projects/web"),
            cluster(ours_version, "Project", json!({"enforcement": "Audit"})),
            "cannot update",
        ),
        put(
            "the Tenant",
            Who::Admin,
            &ours("tenants/acme"),
            cluster(ours_version, "Tenant", json!({"contact": "me"})),
            "cannot update",
        ),
        patch(
            "an App's status",
            Who::Edit,
            "apps.platform.kubeop.io/pay -n kubeop-web --subresource=status",
            json!({"status": {"revision": "x"}}),
            "apps/status",
        ),
        Attempt {
            name: "a definition of Apps without rules",
            who: Who::Edit,
            what: What::Run("delete crd apps.platform.kubeop.io".to_owned()),
            refusal: "cannot delete",
        },
    ]
}
