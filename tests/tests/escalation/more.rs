//! More rights than one has: bindings and Roles, and what the deployer account must not be able to do.

use serde_json::json;

use crate::attempt::{Attempt, Who, create, run};
use crate::objects::{app, binding, role};

/// What RBAC says to who would give away what they do not have.
pub const MORE: &str = "is attempting to grant RBAC permissions not currently held";

pub fn attempts() -> Vec<Attempt> {
    more().into_iter().chain(as_the_deployer()).collect()
}

fn more() -> Vec<Attempt> {
    vec![
        create(
            "a binding without the right to bind",
            Who::Edit,
            binding("view"),
            "cannot create",
        ),
        create(
            "all rights here, as admin",
            Who::Admin,
            binding("cluster-admin"),
            MORE,
        ),
        create(
            "a Role of all rights, as admin",
            Who::Admin,
            role("*", "*", "*"),
            MORE,
        ),
        create(
            "all rights everywhere",
            Who::Admin,
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": {"name": "mine"}, "roleRef": binding("cluster-admin")["roleRef"],
                "subjects": binding("cluster-admin")["subjects"]}),
            "cannot create",
        ),
        create(
            "more for every deployer",
            Who::Admin,
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": {"name": "mine", "labels": {"platform.kubeop.io/aggregate-to-deployer": "true"}},
                "rules": role("*", "*", "*")["rules"]}),
            "cannot create",
        ),
        create(
            "to own projects, as admin",
            Who::Admin,
            role("platform.kubeop.io", "projects", "own"),
            MORE,
        ),
        run(
            "the deployer's binding away",
            Who::Edit,
            "delete rolebinding kubeop-deployer -n kubeop-web",
            "cannot delete",
        ),
    ]
}

fn as_the_deployer() -> Vec<Attempt> {
    let me = Who::Deployer;
    let proxy = "get --raw /api/v1/namespaces/kubeop-web/pods/ok/proxy/";
    vec![
        create("cluster-admin to oneself", me, binding("cluster-admin"), MORE),
        create("edit to oneself", me, binding("edit"), MORE),
        create("admin to oneself", me, binding("admin"), MORE),
        create(
            "the controller's rights to oneself",
            me,
            binding("kubeop-controller"),
            MORE,
        ),
        create(
            "to act as the deployer",
            me,
            binding("kubeop-impersonate-deployer"),
            MORE,
        ),
        create("a Role of all rights", me, role("*", "*", "*"), MORE),
        create("a Role to exec", me, role("", "pods/exec", "create"), MORE),
        create(
            "a Role for tokens",
            me,
            role("", "serviceaccounts/token", "create"),
            MORE,
        ),
        create(
            "a Role to impersonate",
            me,
            role("", "serviceaccounts", "impersonate"),
            MORE,
        ),
        create(
            "a Role to bind",
            me,
            role("rbac.authorization.k8s.io", "roles", "bind"),
            MORE,
        ),
        create(
            "a Role to escalate",
            me,
            role("rbac.authorization.k8s.io", "roles", "escalate"),
            MORE,
        ),
        create(
            "a Role for Apps",
            me,
            role("platform.kubeop.io", "apps", "create"),
            MORE,
        ),
        create(
            "to own projects",
            me,
            role("platform.kubeop.io", "projects", "own"),
            MORE,
        ),
        run("to exec", me, "exec ok -n kubeop-web -- true", "pods/exec"),
        run("to attach", me, "attach ok -n kubeop-web", "pods/attach"),
        run("to reach a Pod's port", me, proxy, "pods/proxy"),
        create(
            "an App of the deployer's own",
            me,
            app("x", "ghcr.io/acme/x"),
            "cannot create",
        ),
    ]
}
