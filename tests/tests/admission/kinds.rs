//! What is known of kinds without asking is what a real API server says.

use crate::support::Web;
use kubeop_shared::api::names::GROUP;
use kubeop_shared::manifests::{is_cluster_scoped, is_of_kubernetes};

#[tokio::test]
async fn the_table_of_kinds_is_what_the_api_server_serves() {
    let web = Web::shared().await;
    let (mut seen, mut wrong) = (0, Vec::new());
    for scope in ["true", "false"] {
        let list = web
            .kubectl(&format!("api-resources --no-headers --namespaced={scope}"))
            .await
            .success()
            .unwrap();
        for line in list.lines() {
            let words: Vec<_> = line.split_whitespace().rev().collect();
            let (kind, version) = (words[0], words[2]);
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let known = is_of_kubernetes(group) && is_cluster_scoped(group, kind) == (scope == "false");
            seen += 1;
            if group != GROUP && !known {
                wrong.push(format!("{version} {kind} namespaced={scope}"));
            }
        }
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(wrong, Vec::<String>::new());
}
