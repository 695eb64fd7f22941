//! kubeOP on a test cluster can be stopped and started in parts.

use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, page};

const TENANT: &str =
    "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n";

#[tokio::test]
async fn its_programs_stop_start_and_are_killed_one_by_one() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let kubeop = KubeOp::install(&cluster, InstallOptions::default())
        .await
        .unwrap();
    let apply = || cluster.kubectl_with_input(["apply", "--dry-run=server", "-f", "-"], TENANT);
    apply().await.unwrap().success().unwrap();

    kubeop.stop_webhook().await.unwrap();
    let outage = apply().await.unwrap().failure().unwrap();
    assert!(outage.contains("failed calling webhook"), "{outage}");
    kubeop.start_webhook().await.unwrap();
    apply().await.unwrap().success().unwrap();

    let health = format!("{}/healthz", kubeop.controller_url());
    let healthy = || page::get(&health, None);
    healthy().await.unwrap();
    kubeop.kill_controller().await.unwrap();
    healthy().await.unwrap_err();
    kubeop.start_controller().await.unwrap();
    kubeop.restart_controller().await.unwrap();
    healthy().await.unwrap();
    assert!(
        std::fs::read_to_string(kubeop.controller_log())
            .unwrap()
            .contains("timestamp")
    );
}
