//! A second revision, what a dry run says of it, and the way back.

use std::time::Duration;

use anyhow::Result;
use kubeop_tests::seed;

use crate::acts::NAMESPACE;
use crate::teller::Teller;

const ROLLBACK: &str = "platform.kubeop.io/rollback-to=previous";

const IMAGE: [&str; 6] = [
    "get",
    "deployment",
    "payments",
    "-n",
    NAMESPACE,
    "-o=jsonpath={.spec.template.spec.containers[0].image}",
];

pub async fn there_and_back(teller: &mut Teller) -> Result<()> {
    teller.say("The next version. A dry run says what delivery would do.");
    let second = seed::sample_app().replace(":2.3.1", ":2.3.2");
    teller.file("app.yaml", &second)?;
    let first = revision(teller).await?;
    let planned = teller
        .kubectl(&["diff", "-n", NAMESPACE, "-f", "app.yaml"])
        .await?;
    let from = format!("app/payments: revision {first} -> ");
    let lines = [
        &*from,
        "app/payments: run pre hook migrate",
        "app/payments: change Deployment/payments: spec.template.spec.containers[0].image",
    ];
    teller.check_says("kubectl diff says what would be done", &planned.stderr, &lines);
    let planned = planned.stderr.lines().find_map(|line| line.split_once(&from));
    let second = planned.map(|(_, hash)| hash.to_owned()).unwrap_or_default();
    apply(teller).await?;
    let delivered = waited(teller, &format!("jsonpath={{.status.revision}}={second}")).await?
        && waited(teller, "condition=Ready").await?;
    let image = teller.quiet_kubectl(&IMAGE).await?.stdout;
    teller.check(
        "the next version is delivered",
        delivered && image.ends_with(":2.3.2"),
        &image,
    );

    teller.say("It was a bad idea: back to the one before. No migration runs again.");
    let app = ["annotate", "app", "payments", "-n", NAMESPACE, ROLLBACK];
    teller.kubectl(&app).await?.success()?;
    let live = waited(teller, &format!("jsonpath={{.status.revision}}={first}")).await?;
    let image = teller.quiet_kubectl(&IMAGE).await?.stdout;
    teller.check(
        "the revision before is live",
        live && image.ends_with(":2.3.1"),
        &image,
    );

    teller.say("A GitOps tool applies the new version again, as it does every minute. The rollback stays.");
    apply(teller).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let apps = teller.kubectl(&["get", "apps", "-n", NAMESPACE]).await?;
    teller.check_says(
        "it is shown",
        &apps.stdout,
        &["True", "Pinned", &first, "instead of revision 2"],
    );
    let image = teller.kubectl(&IMAGE).await?.stdout;
    teller.check("the rollback stays", image.ends_with(":2.3.1"), &image);
    let jobs = teller
        .quiet_kubectl(&["get", "jobs", "-n", NAMESPACE, "--no-headers"])
        .await?;
    teller.check(
        "no migration ran again",
        jobs.stdout.lines().count() == 2,
        &jobs.stdout,
    );
    Ok(())
}

async fn revision(teller: &mut Teller) -> Result<String> {
    let status = [
        "get",
        "app",
        "payments",
        "-n",
        NAMESPACE,
        "-o=jsonpath={.status.revision}",
    ];
    teller.quiet_kubectl(&status).await?.success()
}

async fn apply(teller: &mut Teller) -> Result<()> {
    let applied = teller
        .kubectl(&["apply", "-n", NAMESPACE, "-f", "app.yaml"])
        .await?;
    applied.success().map(drop)
}

/// Whether the App becomes so.
async fn waited(teller: &mut Teller, what: &str) -> Result<bool> {
    let what = format!("--for={what}");
    let wait = ["wait", "-n", NAMESPACE, &what, "app/payments", "--timeout=60s"];
    Ok(teller.kubectl(&wait).await?.status == 0)
}
