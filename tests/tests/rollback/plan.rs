//! The plan of a dry run, as `kubectl diff` and `kubectl apply --dry-run=server` show it.

use kubeop_tests::Output;

use crate::support::Evening;
use crate::told::{APP, ROLLBACK, is, revision};

const HOOK: &str = "  hooks:\n    pre:\n    - {name: migrate, image: 'ghcr.io/acme/migrate:1'}\n";

async fn with_input(evening: &Evening<'_>, args: &[&str], yaml: &str) -> Output {
    evening
        .kubeop
        .cluster()
        .kubectl_with_input(args, yaml)
        .await
        .unwrap()
}

/// The lines of the plan.
fn plan(output: &Output) -> Vec<String> {
    let lines = output
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("Warning: "));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_kubectl_diff_says_what_delivery_would_do_and_does_nothing() {
    let evening = Evening::new("diff").await;
    let first = evening.app("ghcr.io/acme/pay:1", "");
    let dry_run = ["apply", "--dry-run=server", "-f", "-"];
    let created = with_input(&evening, &dry_run, &first).await;
    let said = plan(&created);
    assert!(
        said[0].starts_with("app/pay: revision ") && said[0].ends_with(", the first"),
        "{said:?}"
    );
    assert_eq!(
        said[1..],
        ["app/pay: create Deployment/pay", "app/pay: create Service/pay"]
    );
    evening.apply(&first).await.unwrap();
    let hash = revision(&is(&evening, "True", "Succeeded").await);

    let unchanged = with_input(&evening, &["diff", "-f", "-"], &first).await;
    assert_eq!((unchanged.status, plan(&unchanged)), (0, vec![]), "{unchanged:?}");
    let scaled = first.replace("replicas: 2", "replicas: 5");
    let scaled = with_input(&evening, &["diff", "-f", "-"], &scaled).await;
    assert_eq!(
        (scaled.status, plan(&scaled)),
        (1, vec![]),
        "no new revision: {scaled:?}"
    );

    let second = evening
        .app("ghcr.io/acme/pay:2", HOOK)
        .replace("      ports: [{name: http, containerPort: 8080}]\n", "");
    let log = evening.kubeop.cluster().audit_log().unwrap().from_now().unwrap();
    let changed = with_input(&evening, &["diff", "-f", "-"], &second).await;
    assert_eq!(changed.status, 1, "{changed:?}");
    let said = plan(&changed);
    let to = said[0]
        .strip_prefix(&format!("app/pay: revision {hash} -> "))
        .unwrap()
        .to_owned();
    assert_eq!(
        said[1..],
        [
            "app/pay: run pre hook migrate",
            "app/pay: change Deployment/pay: spec.template.spec.containers[0].image, \
             spec.template.spec.containers[0].ports",
            "app/pay: prune Service/pay",
        ]
    );
    let ours = |entry: &kubeop_tests::audit::Entry| entry.namespace.as_deref() == Some(&*evening.ns);
    let writes: Vec<_> = log.kubeop_writes().unwrap().into_iter().filter(ours).collect();
    assert_eq!(writes, [], "a dry run writes nothing");
    // It was true.
    evening.apply(&second).await.unwrap();
    assert_eq!(revision(&is(&evening, "True", "Succeeded").await), to);

    // A request is planned as well.
    let request = format!("{ROLLBACK}=previous");
    let args = ["annotate", "--dry-run=server", "-n", &evening.ns, APP, &request];
    let asked = evening.kubeop.cluster().kubectl(args).await.unwrap();
    assert_eq!(
        plan(&asked),
        [format!("app/pay: roll back to revision 1 ({hash})")]
    );
    is(&evening, "True", "Succeeded").await;
}
