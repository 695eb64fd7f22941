//! Two controllers, of which one works.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::ground::{Ground, SOON, WEB};

/// Who has the Lease: a name that begins with that of its Pod, and is another one for each start.
async fn leader(ground: &Ground) -> anyhow::Result<String> {
    let holder = ground
        .kubectl("-n kubeop-system get lease kubeop-controller -o jsonpath={.spec.holderIdentity}")
        .await?;
    ensure!(!holder.is_empty(), "nobody leads");
    Ok(holder)
}

pub async fn a_leader_that_is_killed_in_mid_rollout_is_followed_by_another(ground: &Ground) {
    let first = leader(ground).await.unwrap();
    assert_eq!(ground.pods_of("kubeop-controller").await.len(), 2);
    ground
        .kubectl(&format!(
            "-n {WEB} patch app/payments --type=merge -p {{\"spec\":{{\"delivery\":{{\"image\":{{\"ref\":\"ghcr.io/acme/payments:2.3.2\"}}}}}}}}"
        ))
        .await
        .unwrap();
    // The new revision's hook runs, or its Pods come up.
    ground.kill_program_of(first.split('_').next().unwrap_or_default());
    wait::until("another one leads", SOON, || async {
        let now = leader(ground).await?;
        ensure!(now != first, "{now} leads");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    ground.app_is_ready("payments").await;
    let image = ground
        .kubectl(&format!(
            "-n {WEB} get deploy/payments -o jsonpath={{.spec.template.spec.containers[*].image}}"
        ))
        .await
        .unwrap();
    assert_eq!(image, "ghcr.io/acme/payments:2.3.2");
    // One Job a revision.
    let jobs = ground.get(&format!("jobs -n {WEB}")).await.unwrap();
    let jobs = jobs["items"].as_array().map(Vec::len);
    assert!(jobs <= Some(2), "{jobs:?}");
}
