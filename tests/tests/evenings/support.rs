//! One evening: a project of its own on a cluster with kubeOP, and what its Apps say.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kubeop_tests::{KubeOp, wait};
use serde_json::Value;
use tokio::sync::OnceCell;

/// How soon a cause must be told.
pub const TOLD: Duration = Duration::from_secs(5);
/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// A Project, and the namespace of it.
pub struct Evening<'a> {
    pub kubeop: &'a KubeOp<'a>,
    pub ns: String,
}

impl Evening<'static> {
    /// A Project of this name on the cluster that all evenings share.
    pub async fn new(name: &str) -> Self {
        Evening::on(KubeOp::shared().await, name).await
    }
}

impl<'a> Evening<'a> {
    /// A Project of this name, whose gate is shut.
    pub async fn on(kubeop: &'a KubeOp<'a>, name: &str) -> Self {
        static TENANT: OnceCell<()> = OnceCell::const_new();
        let evening = Evening {
            kubeop,
            ns: format!("kubeop-{name}"),
        };
        let tenant = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {contact: ops@acme}\n";
        TENANT
            .get_or_init(|| async {
                evening.apply(tenant).await.unwrap();
            })
            .await;
        evening.project("").await.unwrap();
        evening
    }

    /// Applies the Project with further fields of its spec, and waits until it is ready.
    pub async fn project(&self, more: &str) -> Result<()> {
        let name = self.name();
        self.apply(&format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\n\
             spec: {{tenantRef: acme{more}}}\n"
        ))
        .await?;
        self.kubectl(&format!(
            "wait project/{name} --for=condition=Ready --timeout=60s"
        ))
        .await
        .map(drop)
    }

    fn name(&self) -> &str {
        self.ns.trim_start_matches("kubeop-")
    }

    pub async fn apply(&self, yaml: &str) -> Result<String> {
        self.kubeop.cluster().apply(yaml).await
    }

    pub async fn kubectl(&self, args: &str) -> Result<String> {
        let args = args.split_whitespace();
        self.kubeop.cluster().kubectl(args).await?.success()
    }

    /// An object of the namespace.
    pub async fn get(&self, what: &str) -> Result<Value> {
        let args = format!("get {what} -n {} -o json", self.ns);
        Ok(serde_json::from_str(&self.kubectl(&args).await?)?)
    }

    /// An App `pay` of kind Image with two Pods; `more` are further lines under `image`.
    pub fn app(&self, image: &str, more: &str) -> String {
        format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {}}}\n\
             spec:\n  projectRef: {}\n  delivery:\n    kind: Image\n    image:\n      ref: {image}\n      replicas: 2\n\
             \x20     ports: [{{name: http, containerPort: 8080}}]\n{more}",
            self.ns,
            self.name()
        )
    }

    /// An App `pay` of kind Raw with these manifests, each of them in one line.
    pub fn raw(&self, manifests: &[&str]) -> String {
        let manifests: String = manifests
            .iter()
            .map(|manifest| format!("      - {manifest}\n"))
            .collect();
        format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {}}}\n\
             spec:\n  projectRef: {}\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n{manifests}",
            self.ns,
            self.name()
        )
    }

    /// What the App `pay` says, once the column of `kubectl get app` contains all of these words: within 5 s from now.
    pub async fn says(&self, words: &[&str]) -> String {
        self.says_within(TOLD, words).await
    }

    pub async fn says_within(&self, time: Duration, words: &[&str]) -> String {
        wait::until(&format!("App pay says {words:?}"), time, || async {
            let row = self
                .kubectl(&format!("get app pay -n {} --no-headers", self.ns))
                .await?;
            let missing: Vec<_> = words.iter().filter(|word| !row.contains(*word)).collect();
            ensure!(missing.is_empty(), "{missing:?} are missing in: {row}");
            self.message().await
        })
        .await
        .unwrap()
    }

    async fn message(&self) -> Result<String> {
        let app = self.get("apps.platform.kubeop.io/pay").await?;
        let conditions = app["status"]["conditions"].as_array().context("no conditions")?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
        let message = ready.context("no Ready")?["message"].as_str();
        Ok(message.context("no message")?.to_owned())
    }

    pub async fn is_ready(&self) {
        wait::until("App pay is Ready", SOON, || async {
            let app = self.get("apps.platform.kubeop.io/pay").await?;
            let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
            let ready = app["status"]["conditions"].as_array().is_some_and(|conditions| {
                conditions
                    .iter()
                    .any(|c| c["type"] == "Ready" && c["status"] == "True")
            });
            ensure!(current && ready, "{}", app["status"]);
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    }

    /// Pastes the command of a message into a shell, with what only the user knows filled in.
    pub async fn follow(&self, message: &str, fill: &[(&str, &str)]) -> String {
        let command = remedy(message);
        let filled = fill
            .iter()
            .fold(command.clone(), |line, (name, value)| line.replace(name, value));
        assert!(
            filled != command || fill.is_empty(),
            "nothing to fill in: {command}"
        );
        assert!(!filled.contains('<'), "not all is filled in: {filled}");
        self.kubeop
            .cluster()
            .paste(&filled)
            .await
            .unwrap()
            .success()
            .unwrap()
    }

    /// Waits until something is there to be seen, and returns when that was.
    pub async fn seen(&self, what: &str, args: &str, word: &str) -> Instant {
        wait::until(what, SOON, || async {
            let said = self.kubectl(&format!("{args} -n {}", self.ns)).await?;
            ensure!(said.contains(word), "{said}");
            Ok::<_, anyhow::Error>(Instant::now())
        })
        .await
        .unwrap()
    }

    /// Waits for the Event that tells why Pods cannot be created.
    pub async fn cannot_create(&self, word: &str) {
        let args = "get events --field-selector=reason=FailedCreate -o jsonpath={.items[*].message}";
        self.seen("an Event FailedCreate", args, word).await;
    }
}

/// The command in a message: one line, to its end.
pub fn remedy(message: &str) -> String {
    let mut lines = message
        .lines()
        .filter_map(|line| line.find("kubectl ").and_then(|start| line.get(start..)));
    lines
        .next_back()
        .unwrap_or_else(|| panic!("no command in: {message}"))
        .to_owned()
}
