//! The manager API of both controllers, asked at their Pods: who does not lead asks who does.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, ensure};
use kubeop_tests::manager_api::{Caller, address, ca, token};
use kubeop_tests::{Identity, seed, wait};
use serde_json::Value;

use crate::ground::{Ground, SOON, WEB};
use crate::pages;

/// Port of the container.
const PORT: u16 = 8443;

pub async fn every_replica_tells_the_numbers_of_kubectl(ground: &Ground) {
    let ca = ca(&ground.cluster).await.unwrap();
    let token = token(&ground.cluster, &Identity::admin()).unwrap();
    let pods = ground.pods_of("kubeop-controller").await;
    assert_eq!(pods.len(), 2, "{pods:?}");
    for pod in pods {
        let wanted = format!("{pod} counts");
        let told = wait::until(&wanted, SOON, || async {
            let found = ground.get(&format!("pod/{pod} -n kubeop-system")).await?;
            let address: IpAddr = found["status"]["podIP"].as_str().context("no address")?.parse()?;
            let caller = Caller::new(SocketAddr::new(address, PORT), &ca, Some(&token))?;
            let summary = caller.get("/v1/analytics/summary").await?.expect(200)?;
            let apps = ground.get("apps.platform.kubeop.io -A").await?;
            let count = apps["items"].as_array().map(Vec::len);
            ensure!(
                count.is_some_and(|count| summary["apps"]["total"] == count),
                "{summary}"
            );
            // All but the numbers is every replica's own.
            caller
                .get(&format!("/v1/apps/{WEB}/payments"))
                .await?
                .expect(200)?;
            anyhow::Ok(())
        });
        if let Err(error) = told.await {
            panic!("{error:#}\n{}", ground.story().await);
        }
    }
}

/// `docs/manager-api.md`, by curl through `kubectl port-forward`.
pub async fn the_page_on_the_manager_api_holds(ground: &Ground) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.yaml"), seed::sample_app()).unwrap();
    let blocks = pages::blocks("manager-api");
    let [begin, ask] = blocks.as_slice() else {
        panic!("{blocks:#?}");
    };
    // A person types more slowly than a way in takes to open.
    let script = format!(
        "cd {} && set -eu\n{begin}\ntrap 'kill $!' EXIT\n\
         until curl -sk https://localhost:8443/version > /dev/null; do sleep 0.2; done\n{ask}",
        folder.path().display()
    );
    let script = script.replace("8443", &address().unwrap().port().to_string());
    let told = ground.cluster.paste(&script).await.unwrap().success();
    let told = match told {
        Ok(told) => told,
        Err(error) => panic!("{error:#}\n{}", ground.story().await),
    };
    // The plan, the App, its revisions, the summary.
    let answers: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(json_of(&told))
        .into_iter()
        .collect();
    let answers = answers.unwrap_or_else(|error| panic!("{error}: {told}"));
    let [planned, made, revisions, summary] = answers.as_slice() else {
        panic!("{told}");
    };
    assert_eq!(planned["app"]["metadata"]["name"], "payments", "{told}");
    assert_eq!(
        made["metadata"]["uid"], planned["app"]["metadata"]["uid"],
        "{told}"
    );
    assert_eq!(revisions["revisions"][0]["outcome"], "Succeeded", "{told}");
    assert_eq!(summary["apps"]["byProject"]["web"], 1, "{told}");
}

/// What stands behind the lines of kubectl.
fn json_of(told: &str) -> &str {
    told.find('{')
        .and_then(|start| told.get(start..))
        .unwrap_or_default()
}
