//! Pages of `docs`: their commands, block by block, as a person copies them into a shell.

use std::fs;

use kubeop_tests::generated::repository;
use kubeop_tests::load::{Load, Rhythm};

use crate::ground::{ALLOWED, Ground, WEB};

/// The blocks of a page, each a script.
pub fn blocks(page: &str) -> Vec<String> {
    let path = repository().join("docs").join(format!("{page}.md"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect()
}

/// Runs every block of a page; what each printed.
pub async fn follow(ground: &Ground, page: &str) -> Vec<String> {
    let mut said = Vec::new();
    for block in blocks(page) {
        match ground.paste(&format!("set -eu\n{block}")).await {
            Ok(output) => said.push(output),
            Err(error) => panic!("{page}: {block}\n{error:#}\n{}", ground.story().await),
        }
    }
    assert!(!said.is_empty(), "{page} has no commands");
    said
}

pub async fn the_page_on_upgrades_holds(ground: &Ground) {
    let before = ground
        .get("pods -n kubeop-web -l app.kubeop.io/app-id=payments")
        .await
        .unwrap();
    let said = follow(ground, "operation/upgrade").await;
    assert!(
        said.last().is_some_and(|table| table.contains("payments")),
        "{said:?}"
    );
    let after = ground
        .get("pods -n kubeop-web -l app.kubeop.io/app-id=payments")
        .await
        .unwrap();
    let uids = |pods: &serde_json::Value| -> Vec<String> {
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        pods.iter()
            .map(|pod| pod["metadata"]["uid"].to_string())
            .collect()
    };
    assert_eq!(uids(&before), uids(&after));
}

pub async fn the_pages_on_certificates_and_backups_hold(ground: &Ground) {
    let load = Load::start(&ground.cluster, WEB, ALLOWED, Rhythm::steady(20))
        .await
        .unwrap();
    let uid = "-n kubeop-system get secret kubeop-webhook-ca -o jsonpath={.metadata.uid}";
    let before = ground.kubectl(uid).await.unwrap();
    follow(ground, "operation/certificates").await;
    assert_ne!(ground.kubectl(uid).await.unwrap(), before);
    // The new leaf is served once the API server trusts its CA.
    tokio::time::sleep(std::time::Duration::from_secs(15)).await;
    let said = load.stop().await.unwrap();
    said.assert_none_failed(101);
    let folder = tempfile::tempdir().unwrap();
    for block in blocks("operation/backup") {
        let line = format!("cd {} && set -eu\n{block}", folder.path().display());
        ground.cluster.paste(&line).await.unwrap().success().unwrap();
    }
    let web = fs::read_to_string(folder.path().join("web.yaml")).unwrap();
    for part in [
        "kind: App\n",
        "name: kubeop-revision-payments\n",
        "name: kubeop-revision-payments-1\n",
    ] {
        assert!(web.contains(part), "no {part:?} in the backup");
    }
}

pub async fn the_page_on_breaking_the_glass_holds(ground: &Ground) {
    follow(ground, "operation/break-glass").await;
    ground.rolled_out("kubeop-controller").await;
    // Shut again, at the latest when the webhook has put its CA into the new registrations.
    let run = "-n kubeop-web run shut --image=evil.example/x:1";
    let shut = kubeop_tests::wait::until("the gate is shut", crate::ground::SOON, || async {
        match ground.kubectl(run).await {
            Err(error) if error.to_string().contains("[ImageNotAllowed]") => Ok(()),
            Err(error) => Err(error),
            Ok(said) => {
                ground.kubectl("-n kubeop-web delete pod shut --now").await?;
                Err(anyhow::anyhow!("{said}"))
            }
        }
    });
    shut.await.unwrap();
}
