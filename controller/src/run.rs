//! The program: connect, fill the caches, run both loops, end when asked.

use crate::app::{Apps, Memories};
use crate::config::Config;
use crate::http;
use crate::kube_io::{Cluster, KubeCluster, Who, address, api_resource};
use crate::project::Projects;
use crate::touch::Toucher;
use crate::watches::{self, Concerns, Followed};
use crate::world::World;
use futures::{FutureExt, StreamExt, stream};
use kube::api::DynamicObject;
use kube::core::ApiResource;
use kube::runtime::controller::{Action as Next, Config as LoopConfig, ReconcileRequest};
use kube::runtime::reflector::{ObjectRef, Store, store::Writer};
use kube::runtime::{WatchStreamExt, applier, reflector, watcher};
use kube::{Api, Client};
use kubeop_shared::api::names;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

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

    let (own_apps, app_store) = objects(&client, &api_resource(names::GROUP, names::VERSION, "App"));
    let (own_projects, project_store) =
        objects(&client, &api_resource(names::GROUP, names::VERSION, "Project"));
    let (app_wakes, project_wakes) = split(woken, app_store.clone(), world.clone());
    let app_loop = run_loop(
        "App",
        own_apps,
        app_wakes,
        app_store,
        config.concurrency,
        stopped.clone(),
        move |object| {
            let apps = apps.clone();
            async move { apps.reconcile(object).await }
        },
    );
    let project_loop = run_loop(
        "Project",
        own_projects,
        project_wakes,
        project_store,
        4,
        stopped,
        move |object| {
            let projects = projects.clone();
            async move { projects.reconcile(object).await }
        },
    );
    tokio::spawn(toucher.run(watches::unblocked(&client, &world)));
    let _ = ready.send(true);
    tokio::join!(app_loop, project_loop);
}

type Requests = stream::BoxStream<'static, ReconcileRequest<DynamicObject>>;

/// The objects of one of our kinds, whatever they hold: one bad object must not break the watch.
fn objects(client: &Client, resource: &ApiResource) -> (Requests, Store<DynamicObject>) {
    let writer = Writer::<DynamicObject>::new(resource.clone());
    let store = writer.as_reader();
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let kind = resource.clone();
    let touched = reflector(writer, watcher(api, watcher::Config::default()))
        .default_backoff()
        .applied_objects()
        .filter_map(move |object| {
            let request = match object {
                Ok(object) => Some(ReconcileRequest::from(ObjectRef::from_obj_with(
                    &object,
                    kind.clone(),
                ))),
                Err(error) => {
                    tracing::warn!(%error, watch = kind.plural, "the watch broke and is started again");
                    None
                }
            };
            async move { request }
        });
    (touched.boxed(), store)
}

/// News from the watches, as requests for both loops.
fn split(
    mut woken: mpsc::UnboundedReceiver<Concerns>,
    apps: Store<DynamicObject>,
    world: Arc<World>,
) -> (Requests, Requests) {
    let (wake_app, app_wakes) = mpsc::unbounded_channel();
    let (wake_project, project_wakes) = mpsc::unbounded_channel();
    let app = api_resource(names::GROUP, names::VERSION, "App");
    let project = api_resource(names::GROUP, names::VERSION, "Project");
    tokio::spawn(async move {
        let wake_within = |namespaces: &[String]| {
            for object in apps.state() {
                let namespace = object.metadata.namespace.as_ref();
                if namespace.is_some_and(|namespace| namespaces.contains(namespace)) {
                    let _ = wake_app.send(ObjectRef::from_obj_with(&*object, app.clone()));
                }
            }
        };
        while let Some(concerned) = woken.recv().await {
            // Sending fails when the loops have ended: then nobody cares.
            match concerned {
                Concerns::Project(name) => {
                    let _ = wake_project.send(ObjectRef::new_with(&name, project.clone()));
                }
                Concerns::App(key) => {
                    let _ = wake_app.send(ObjectRef::new_with(&key.name, app.clone()).within(&key.namespace));
                }
                Concerns::Tenant(name) => {
                    let of_tenant = world
                        .projects
                        .filter(|_, project| (project.tenant == name).then(|| project.namespace.clone()));
                    wake_within(&of_tenant);
                }
                Concerns::Kinds(group) => {
                    for key in world.kinds.changed(&group) {
                        let app = ObjectRef::new_with(&key.name, app.clone()).within(&key.namespace);
                        let _ = wake_app.send(app);
                    }
                }
                Concerns::Namespace(namespace) => wake_within(&[namespace]),
            }
        }
    });
    let requests = |receiver: mpsc::UnboundedReceiver<ObjectRef<DynamicObject>>| {
        let next = |mut receiver: mpsc::UnboundedReceiver<_>| async move {
            let object = receiver.recv().await?;
            Some((ReconcileRequest::from(object), receiver))
        };
        stream::unfold(receiver, next).boxed()
    };
    (requests(app_wakes), requests(project_wakes))
}

/// One loop. A panic in one reconcile is logged, and that object is looked at again later.
async fn run_loop<F: Future<Output = Next> + Send + 'static>(
    what: &'static str,
    own: Requests,
    woken: Requests,
    store: Store<DynamicObject>,
    concurrency: u16,
    stopped: watch::Receiver<bool>,
    reconcile: impl Fn(Arc<DynamicObject>) -> F,
) {
    let queue = stream::select(own, woken)
        .map(Ok::<_, std::convert::Infallible>)
        .take_until(told(stopped));
    let guarded = move |object: Arc<DynamicObject>, _: Arc<()>| {
        let name = object.metadata.name.clone().unwrap_or_default();
        let work = AssertUnwindSafe(reconcile(object)).catch_unwind();
        tokio::spawn(work).map(move |ended| {
            let next = ended.ok().and_then(Result::ok).unwrap_or_else(|| {
                tracing::error!(what, name, "a reconcile panicked; it is tried again in a minute");
                Next::requeue(Duration::from_secs(60))
            });
            Ok::<_, std::convert::Infallible>(next)
        })
    };
    let policy = |_: Arc<DynamicObject>, error: &std::convert::Infallible, _: Arc<()>| match *error {};
    let config = LoopConfig::default().concurrency(concurrency);
    applier(guarded, policy, Arc::new(()), store, queue, config)
        .for_each(|done: Result<_, _>| {
            if let Err(error) = done {
                // An object that went meanwhile.
                tracing::debug!(what, %error, "not looked at");
            }
            std::future::ready(())
        })
        .await;
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
