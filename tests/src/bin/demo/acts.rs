//! What is shown, in order.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kubeop_tests::{KubeOp, seed, wait};

use crate::order::Order;
use crate::over_https;
use crate::rollback;
use crate::teller::Teller;

pub const NAMESPACE: &str = "kubeop-web";

const PROJECT: &str = "\
apiVersion: platform.kubeop.io/v1alpha1
kind: Tenant
metadata:
  name: acme
spec:
  displayName: Acme
  contact: platform@acme.example
---
apiVersion: platform.kubeop.io/v1alpha1
kind: Project
metadata:
  name: web
spec:
  tenantRef: acme
  imageAllowlist: [ghcr.io/acme]
";

const THREE_FAULTS: &str = "\
apiVersion: platform.kubeop.io/v1alpha1
kind: App
metadata:
  name: shop
  namespace: default
spec:
  projectRef: web
  delivery:
    kind: Image
    image:
      ref: evil.example/shop:1
  hooks:
    pre:
      - name: migrate
        image: evil.example/migrate:1
";

/// Plays all of it. What cannot be gone past is an error; what was not shown is noted and gone past.
pub async fn play(teller: &mut Teller, kubeop: &KubeOp<'_>, api: SocketAddr) -> Result<()> {
    installed(teller).await?;
    project(teller).await?;
    first_delivery(teller, kubeop).await?;
    applied_again(teller).await?;
    refusals(teller).await?;
    to_look_at(teller).await?;
    hand_edit(teller).await?;
    over_https::asked(teller, kubeop, api).await?;
    rollback::there_and_back(teller).await?;
    deletion(teller).await
}

async fn installed(teller: &mut Teller) -> Result<()> {
    teller.say("kubeOP adds five kinds to the API.");
    let kinds = teller
        .kubectl(&["api-resources", "--api-group=platform.kubeop.io"])
        .await?;
    let names = ["apps", "certificates", "dnsrecords", "projects", "tenants"];
    teller.check_says("five kinds are installed", &kinds.stdout, &names);
    Ok(())
}

async fn project(teller: &mut Teller) -> Result<()> {
    teller.say("The platform team gives a product team a project, and says where its images may come from.");
    teller.file("project.yaml", PROJECT)?;
    teller
        .kubectl(&["apply", "-f", "project.yaml"])
        .await?
        .success()?;
    teller
        .kubectl(&["wait", "project/web", "--for=condition=Ready", "--timeout=60s"])
        .await?
        .success()?;
    let namespace = teller
        .kubectl(&["get", "namespace", NAMESPACE, "--show-labels"])
        .await?;
    let labels =
        ["project-id=web", "tenant-id=acme", "cluster-id="].map(|label| format!("app.kubeop.io/{label}"));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    teller.check_says(
        "the project made its namespace, with its ownership labels",
        &namespace.stdout,
        &labels,
    );
    Ok(())
}

async fn first_delivery(teller: &mut Teller, kubeop: &KubeOp<'_>) -> Result<()> {
    teller.say("The product team applies its App: the sample of the documentation, byte for byte.");
    teller.file("app.yaml", seed::sample_app())?;
    let order = Order::watch(&kubeop.cluster().client().await?, NAMESPACE);
    let applied = teller
        .kubectl(&["apply", "-n", NAMESPACE, "-f", "app.yaml"])
        .await?
        .success()?;
    teller.check_says(
        "the documentation's sample App is created as it is",
        &applied,
        &["payments created"],
    );
    let waited = teller
        .kubectl(&[
            "wait",
            "-n",
            NAMESPACE,
            "--for=condition=Ready",
            "app/payments",
            "--timeout=120s",
        ])
        .await?;
    teller.check(
        "kubectl wait --for=condition=Ready app/payments returns 0",
        waited.status == 0,
        &waited.stderr,
    );

    let labels = teller
        .kubectl(&[
            "get",
            "apps.platform.kubeop.io",
            "payments",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.metadata.labels}",
        ])
        .await?;
    let wanted = [
        "cluster-id",
        "\"tenant-id\":\"acme\"",
        "\"project-id\":\"web\"",
        "\"app-id\":\"payments\"",
    ];
    let plain = labels.stdout.replace("app.kubeop.io/", "");
    teller.check_says("the App carries its four ownership labels", &plain, &wanted);

    teller
        .say("Its migrate hook ran to its end before the Deployment was made: resource versions only grow.");
    teller
        .kubectl(&["get", "jobs,deployments,services,pods", "-n", NAMESPACE])
        .await?;
    let versions = order.versions().await?;
    println!(
        "\nThe hook's Job was complete at version {}, the Deployment was created at version {}.",
        versions.hook_complete, versions.deployment_created
    );
    teller.check(
        "the pre hook ended before the Deployment existed",
        versions.hook_complete < versions.deployment_created,
        "the Deployment came first",
    );
    Ok(())
}

async fn applied_again(teller: &mut Teller) -> Result<()> {
    teller.say("The same manifest again changes nothing, and runs no second migration.");
    let again = teller
        .kubectl(&["apply", "-n", NAMESPACE, "-f", "app.yaml"])
        .await?;
    teller.check_says("applied again: unchanged", &again.stdout, &["unchanged"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let jobs = teller
        .kubectl(&["get", "jobs", "-n", NAMESPACE, "--no-headers"])
        .await?;
    teller.check("no second Job", jobs.stdout.lines().count() == 1, &jobs.stdout);
    Ok(())
}

async fn refusals(teller: &mut Teller) -> Result<()> {
    teller.say("An App with three faults is refused in one answer: each with its place and the way out.");
    teller.file("three-faults.yaml", THREE_FAULTS)?;
    let refused = teller.kubectl(&["apply", "-f", "three-faults.yaml"]).await?;
    teller.check(
        "an App with three faults is refused",
        refused.status != 0,
        &refused.stdout,
    );
    let paths = [
        "metadata.namespace",
        "spec.delivery.image.ref",
        "spec.hooks.pre[0].image",
    ];
    teller.check_says("one answer names all three places", &refused.stderr, &paths);

    teller.say("The gate holds for every Pod of the project, whoever makes it.");
    let run = teller
        .kubectl(&["run", "x", "--image=evil.example/x", "-n", NAMESPACE])
        .await?;
    teller.check(
        "kubectl run with a foreign image is refused",
        run.status != 0,
        &run.stdout,
    );
    teller.check_says(
        "the refusal names the container",
        &run.stderr,
        &["spec.containers[0].image"],
    );
    let selector = "app.kubeop.io/app-id=payments";
    let pods = teller
        .quiet_kubectl(&[
            "get",
            "pods",
            "-n",
            NAMESPACE,
            "-l",
            selector,
            "-o",
            "name",
            "--field-selector=status.phase=Running",
        ])
        .await?
        .success()?;
    let Some(pod) = pods.lines().next() else {
        teller.fail(
            "kubectl debug with a foreign image is refused",
            "no Pod of the App runs",
        );
        return Ok(());
    };
    // With its default profile, Pod security would refuse the capability that it adds before the image is looked at.
    let debug = teller
        .kubectl(&[
            "debug",
            pod,
            "-n",
            NAMESPACE,
            "--image=evil.example/x",
            "--profile=baseline",
        ])
        .await?;
    teller.check(
        "kubectl debug with a foreign image is refused",
        debug.status != 0,
        &debug.stdout,
    );
    teller.check_says(
        "the refusal names the ephemeral container",
        &debug.stderr,
        &["spec.ephemeralContainers[0].image"],
    );
    Ok(())
}

async fn to_look_at(teller: &mut Teller) -> Result<()> {
    teller.say("What is there to look at: the App, its events, and the record of its revisions.");
    let apps = teller.kubectl(&["get", "apps", "-A"]).await?;
    teller.check_says(
        "kubectl get apps reads well",
        &apps.stdout,
        &[
            "PROJECT", "KIND", "READY", "REVISION", "payments", "web", "Image", "True",
        ],
    );
    teller
        .kubectl(&[
            "get",
            "events",
            "-n",
            NAMESPACE,
            "--field-selector=involvedObject.kind=App",
        ])
        .await?;
    let record = teller
        .kubectl(&[
            "get",
            "configmap",
            "kubeop-revision-payments",
            "-n",
            NAMESPACE,
            "-o",
            "yaml",
        ])
        .await?;
    let revision = teller
        .quiet_kubectl(&[
            "get",
            "apps.platform.kubeop.io",
            "payments",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.status.revision}",
        ])
        .await?
        .stdout;
    teller.check(
        "the record holds the revision's hash",
        revision.len() == 12 && record.stdout.contains(&revision),
        &format!("revision {revision:?}"),
    );
    Ok(())
}

async fn hand_edit(teller: &mut Teller) -> Result<()> {
    teller.say("Somebody edits the Deployment by hand; it is put back.");
    let image = [
        "get",
        "deployment",
        "payments",
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ];
    let before = teller.quiet_kubectl(&image).await?.success()?;
    teller
        .kubectl(&[
            "set",
            "image",
            "deployment/payments",
            "-n",
            NAMESPACE,
            "*=ghcr.io/acme/payments:by-hand",
        ])
        .await?
        .success()?;
    let edited = Instant::now();
    let back = wait::until("the image is back", Duration::from_secs(10), || async {
        let now = teller.quiet_kubectl(&image).await?.success()?;
        ensure!(now == before, "the image is {now}");
        Ok(())
    })
    .await;
    let took = edited.elapsed();
    teller.kubectl(&image).await?;
    println!("Put back within {:.1} s.", took.as_secs_f64());
    let instead = back
        .as_ref()
        .err()
        .map_or_else(|| format!("it took {took:?}"), ToString::to_string);
    teller.check(
        "a hand edit is put back within 2 s",
        back.is_ok() && took < Duration::from_secs(2),
        &instead,
    );
    Ok(())
}

async fn deletion(teller: &mut Teller) -> Result<()> {
    teller.say("The App is deleted, and everything of it goes.");
    let deleted = teller
        .kubectl(&["delete", "app", "payments", "-n", NAMESPACE, "--timeout=60s"])
        .await?;
    teller.check("the App is deleted", deleted.status == 0, &deleted.stderr);
    let kinds = "deployments,replicasets,pods,services,ingresses,jobs,configmaps,secrets";
    let left = [
        "get",
        kinds,
        "-n",
        NAMESPACE,
        "-l",
        "app.kubeop.io/app-id=payments",
        "-o",
        "name",
    ];
    // The garbage collector needs a moment for Pods.
    let gone = wait::until("nothing is left", Duration::from_secs(30), || async {
        let names = teller.quiet_kubectl(&left).await?.success()?;
        ensure!(names.is_empty(), "{names}");
        Ok(())
    })
    .await;
    teller
        .kubectl(&[
            "get",
            kinds,
            "-n",
            NAMESPACE,
            "-l",
            "app.kubeop.io/app-id=payments",
        ])
        .await?;
    let instead = gone.as_ref().err().map(ToString::to_string).unwrap_or_default();
    teller.check("nothing of it is left", gone.is_ok(), &instead);
    let record = teller
        .quiet_kubectl(&["get", "configmap", "kubeop-revision-payments", "-n", NAMESPACE])
        .await?;
    teller.check(
        "nor is its record",
        record.stderr.contains("NotFound"),
        &record.stdout,
    );
    Ok(())
}
