//! Random schedules: specs, hand edits, retries and kills of the controller in any order, and each hook of each
//! revision runs once all the same. Ten in each test run, 200 with `KUBEOP_TEST_SWEEP=all`.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::options::Audit;
use kubeop_tests::proxy::{Fault, Proxy};
use kubeop_tests::{Identity, wait};
use serde_json::{Value, json};

use crate::ground::{CONTROLLER, Ground};
use crate::objects::{APP, project};
use crate::once;
use crate::schedule::{Act, Schedule, Spec};
use crate::story::{Place, RETRY, ROLLBACK, conditions, is_ready};
use crate::{AT_ONCE, TURN, faults};

/// How long the last spec may take, with the hooks of the one before on a busy machine.
const SETTLED: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn each_hook_runs_once_whatever_happens() {
    let _turn = TURN.lock().await;
    let ground = &Ground::start(Audit::Bodies).await.unwrap();
    let seed = faults::seed();
    let seeds = match faults::which() {
        Some(_) => seed..seed + 200,
        None => seed..seed + 10,
    };
    println!(
        "{} random schedules from {}={seed}",
        seeds.clone().count(),
        faults::SEED
    );
    let runs = seeds.map(|seed| async move {
        let schedule = Schedule::draw(seed);
        let told = |error: anyhow::Error| format!("schedule {seed}: {error:#}\n{schedule:#?}");
        Lived::new(ground, seed).live(&schedule).await.map_err(told)
    });
    let ended: Vec<_> = futures::stream::iter(runs)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let hooks: usize = ended.iter().flatten().sum();
    println!("{hooks} hook Jobs ran");
    let failed: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// One schedule as it passes.
struct Lived<'a> {
    ground: &'a Ground,
    place: Place,
    controller: String,
}

impl<'a> Lived<'a> {
    fn new(ground: &'a Ground, seed: u64) -> Lived<'a> {
        Lived {
            ground,
            place: Place::new(format!("schedule-{seed:04}")),
            controller: format!("{CONTROLLER}-{seed:04}"),
        }
    }

    /// Returns how many hook Jobs ran.
    async fn live(&self, schedule: &Schedule) -> Result<usize> {
        let cluster = &self.ground.cluster;
        let log = cluster.audit_log().context("no audit log")?.from_now()?;
        let proxy = Proxy::start(
            cluster,
            &Identity::controller(),
            self.place.view(),
            Fault::default(),
        )
        .await?;
        self.ground.start_controller(&self.controller, &proxy).await?;
        let project = project(&self.place.project);
        self.ground
            .create("/apis/platform.kubeop.io/v1alpha1/projects", &project)
            .await?;
        wait::until("the namespace", SETTLED, || async {
            let project = self
                .ground
                .get(&self.place.project_path())
                .await?
                .context("no Project")?;
            ensure!(
                is_ready(&project, ("True", "Succeeded")),
                "{}",
                conditions(&project["status"])
            );
            Ok::<_, anyhow::Error>(())
        })
        .await?;
        self.create(&schedule.first).await?;
        for (number, act) in schedule.then.iter().enumerate() {
            self.act(number, act, &proxy)
                .await
                .with_context(|| format!("{act:?}"))?;
        }
        self.respecify(&schedule.last).await?;
        let delivered = wait::until("the last spec is delivered", SETTLED, || {
            self.delivered(&schedule.last)
        });
        let delivered = delivered
            .await
            .with_context(|| self.ground.last_words(&self.controller));
        cluster.end(&self.controller, Ending::Killed).await?;
        delivered?;
        let here =
            |entry: &kubeop_tests::audit::Entry| entry.namespace.as_deref() == Some(&self.place.namespace);
        let entries: Vec<_> = log.entries()?.into_iter().filter(here).collect();
        let made = entries
            .iter()
            .filter(|entry| entry.verb == "create" && entry.resource == "jobs" && entry.code == 201);
        let made = made.count();
        let faults = once::faults(entries, &schedule.retries(), &schedule.last.tag());
        if !faults.is_empty() {
            bail!(
                "{}{}",
                faults.join("\n"),
                self.ground.last_words(&self.controller)
            );
        }
        self.ground.clear(&self.place).await?;
        Ok(made)
    }

    async fn act(&self, number: usize, act: &Act, proxy: &Proxy) -> Result<()> {
        let app = self.place.app_path(APP);
        let annotations = json!({RETRY: number.to_string()});
        let deployment = format!(
            "/apis/apps/v1/namespaces/{}/deployments/pay",
            self.place.namespace
        );
        match act {
            Act::Spec(spec) => self.respecify(spec).await,
            Act::Retry => {
                let fields = json!({"metadata": {"annotations": annotations}});
                self.ground.edit(&app, &fields).await
            }
            Act::RollBack => {
                // What stands in brackets makes it a request of its own.
                let annotations = json!({ROLLBACK: format!("previous ({number})")});
                let fields = json!({"metadata": {"annotations": annotations}});
                self.ground.edit(&app, &fields).await
            }
            Act::EditDeployment => {
                let by_hand = json!({"spec": {"progressDeadlineSeconds": 500 + number, "template":
                    {"spec": {"terminationGracePeriodSeconds": number}}}});
                self.if_there(&deployment, |path| async move {
                    self.ground.edit(&path, &by_hand).await
                })
                .await
            }
            Act::DeleteDeployment => {
                self.if_there(&deployment, |path| async move { self.ground.delete(&path).await })
                    .await
            }
            Act::EditConfig => {
                let fields = json!({"data": {"value": "by hand"}});
                let settings = self.place.core_path("configmaps/settings");
                self.if_there(
                    &settings,
                    |path| async move { self.ground.edit(&path, &fields).await },
                )
                .await
            }
            Act::Label => {
                let fields = json!({"metadata": {"labels": {"touched": number.to_string()}}});
                self.ground.edit(&app, &fields).await
            }
            Act::Kill(rest) => {
                self.ground.cluster.end(&self.controller, Ending::Killed).await?;
                tokio::time::sleep(*rest).await;
                self.ground.start_controller(&self.controller, proxy).await
            }
            Act::Wait(rest) => {
                tokio::time::sleep(*rest).await;
                Ok(())
            }
        }
    }

    /// Nothing is edited that is not there yet, or no longer.
    async fn if_there<F>(&self, path: &str, edit: impl FnOnce(String) -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        if self.ground.get(path).await?.is_none() {
            return Ok(());
        }
        match edit(path.to_owned()).await {
            Err(error) if error.to_string().contains("not found") => Ok(()),
            done => done,
        }
    }

    async fn create(&self, spec: &Spec) -> Result<()> {
        let apps = self.place.app_path("");
        let app = spec.app(&self.place.project);
        self.ground.create(apps.trim_end_matches('/'), &app).await
    }

    async fn respecify(&self, spec: &Spec) -> Result<()> {
        let mut app: Value = spec.app(&self.place.project);
        let fields = json!({"spec": app["spec"].take()});
        self.ground.edit(&self.place.app_path(APP), &fields).await
    }

    async fn delivered(&self, spec: &Spec) -> Result<()> {
        let app = self
            .ground
            .get(&self.place.app_path(APP))
            .await?
            .context("no App")?;
        ensure!(
            is_ready(&app, ("True", "Succeeded")),
            "{}",
            conditions(&app["status"])
        );
        let path = format!(
            "/apis/apps/v1/namespaces/{}/deployments/pay",
            self.place.namespace
        );
        let deployment = self.ground.get(&path).await?.context("no Deployment")?;
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        let image = image.as_str().unwrap_or_default();
        ensure!(image.ends_with(&spec.tag()), "Ready with {image}");
        Ok(())
    }
}
