//! The program: connect, fill the caches, run both loops, end when asked.

use crate::app::{Apps, Memories};
use crate::config::Config;
use crate::http;
use crate::kube_io::{Cluster, KubeCluster, Who, address};
use crate::project::Projects;
use crate::queue;
use crate::touch::Toucher;
use crate::watches::{self, Concerns, Followed};
use crate::world::{AppKey, World};
use futures::{Stream, StreamExt, stream};
use kube::api::DynamicObject;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// How many Projects are worked on at the same time.
const PROJECTS: usize = 4;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `--log` cannot be read.
    #[error("--log: {0}")]
    Log(String),
    /// The cluster cannot be reached.
    #[error("{0}")]
    Connect(String),
    /// The port cannot be taken.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

/// Runs until asked to end by a signal.
pub async fn run(config: Config) -> Result<(), RunError> {
    let filter = config.log.parse::<tracing_subscriber::EnvFilter>();
    let filter = filter.map_err(|error| RunError::Log(error.to_string()))?;
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // A second call would find it installed, and that is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| RunError::Listen {
            address: config.listen,
            error,
        })?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("asked to end");
        let _ = stop.send(true);
    });
    let (ready, is_ready) = watch::channel(false);
    let pages = tokio::spawn(http::serve(listener, is_ready, told(stopped.clone())));

    let cluster = KubeCluster::connect().await.map_err(RunError::Connect)?;
    tokio::select! {
        () = deliver(config, cluster, ready, stopped.clone()) => {}
        () = told_long_ago(stopped) => {}
    }
    let _ = pages.await;
    Ok(())
}

async fn deliver(
    config: Config,
    cluster: KubeCluster,
    ready: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
) {
    let cluster_id = match config.cluster_id.clone() {
        Some(id) => id,
        None => uid_of_kube_system(&cluster).await,
    };
    let world = Arc::new(World::default());
    let (wake, woken) = mpsc::unbounded_channel();
    let client = cluster.watches();
    let filled = watches::start(&client, &world, &wake);
    for mut filled in filled {
        tokio::select! {
            // The sender lives as long as its watch, which never ends by itself.
            _ = filled.wait_for(|filled| *filled) => {}
            () = told(stopped.clone()) => return,
        }
    }
    tracing::info!("caches are filled");
    let apps = Arc::new(Apps {
        followed: Followed::new(cluster.clone(), world.clone(), wake),
        cluster: cluster.clone(),
        world: world.clone(),
        memories: Memories::default(),
        allowlist: Some(config.image_allowlist.clone()).filter(|list| !list.is_empty()),
        cluster_id: cluster_id.clone(),
    });
    let toucher = Toucher::new(cluster.clone(), world.clone());
    let projects = Arc::new(Projects {
        cluster,
        world: world.clone(),
        cluster_id,
        attempts: std::sync::Mutex::default(),
    });

    let (app_keys, project_names) = split(woken, world.clone());
    let concurrency = usize::from(config.concurrency);
    let app_loop = queue::work("App", until(stopped.clone(), app_keys), concurrency, move |key| {
        let apps = apps.clone();
        async move { apps.reconcile(key).await }
    });
    let project_loop = queue::work("Project", until(stopped, project_names), PROJECTS, move |name| {
        let projects = projects.clone();
        async move { projects.reconcile(name).await }
    });
    tokio::spawn(toucher.run(watches::unblocked(&client, &world)));
    let _ = ready.send(true);
    tokio::join!(app_loop, project_loop);
}

/// News from the watches, as keys for both loops.
fn split(
    mut woken: mpsc::UnboundedReceiver<Concerns>,
    world: Arc<World>,
) -> (mpsc::UnboundedReceiver<AppKey>, mpsc::UnboundedReceiver<String>) {
    let (wake_app, apps) = mpsc::unbounded_channel();
    let (wake_project, projects) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Sending fails when the loops have ended: then nobody cares.
        let wake_all = |keys: Vec<AppKey>| {
            for key in keys {
                let _ = wake_app.send(key);
            }
        };
        let within = |namespaces: &[String]| {
            let ranges = namespaces.iter().map(|namespace| AppKey::all_of(namespace));
            ranges
                .flat_map(|all| world.apps.filter_within(all, |key, _| Some(key.clone())))
                .collect()
        };
        while let Some(concerned) = woken.recv().await {
            match concerned {
                Concerns::Project(name) => {
                    let _ = wake_project.send(name);
                }
                Concerns::App(key) => wake_all(vec![key]),
                Concerns::Tenant(name) => {
                    let of_tenant = world
                        .projects
                        .filter(|_, project| (project.tenant == name).then(|| project.namespace.clone()));
                    wake_all(within(&of_tenant));
                }
                Concerns::Kinds(group) => wake_all(world.kinds.changed(&group).into_iter().collect()),
                Concerns::Namespace(namespace) => wake_all(within(&[namespace])),
            }
        }
    });
    (apps, projects)
}

/// What is received until the program is asked to end.
fn until<T>(stopped: watch::Receiver<bool>, receiver: mpsc::UnboundedReceiver<T>) -> impl Stream<Item = T> {
    let next =
        |mut receiver: mpsc::UnboundedReceiver<T>| async move { Some((receiver.recv().await?, receiver)) };
    stream::unfold(receiver, next).take_until(told(stopped))
}

async fn uid_of_kube_system(cluster: &KubeCluster) -> String {
    let at = address("", "v1", "Namespace", None, "kube-system");
    let mut wait = Duration::from_millis(100);
    loop {
        match cluster.get(&Who::Controller, &at).await {
            Ok(Some(DynamicObject { metadata, .. })) => return metadata.uid.unwrap_or_default(),
            Ok(None) => tracing::warn!("there is no namespace kube-system yet"),
            Err(error) => tracing::warn!(%error, "the cluster cannot be told apart yet"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(10));
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Ends some time after the program was asked to end: work in progress gets that long.
async fn told_long_ago(stopped: watch::Receiver<bool>) {
    told(stopped).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// Ends when the program is asked to, by SIGTERM or Ctrl-C.
async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}
