//! The program: connect, be elected, fill the caches, run both loops, end when asked or deposed.

use crate::app::{Apps, Memories};
use crate::certificate::Certificates;
use crate::config::{BadLives, Command, Config};
use crate::dns::settings::{Provider, Settings};
use crate::dns::{DnsRecords, Surroundings};
use crate::explain;
use crate::http::{self, Phase};
use crate::kube_io::{Cluster, KubeCluster, Tenure, Who, address};
use crate::leader::{Before, Candidate, Deposed, RELEASED};
use crate::manager_api::{ManagerApi, OpeningError};
use crate::metrics::metrics;
use crate::project::Projects;
use crate::queue;
use crate::release;
use crate::route::{Keys, split};
use crate::touch::Toucher;
use crate::watches::{self, Absence, Attendant, Concerns, Followed};
use crate::world::World;
use futures::{Stream, StreamExt, stream};
use kube::api::DynamicObject;
use kubeop_certs::rotation::Lifetimes;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// How many Projects and Tenants are worked on at the same time.
const PROJECTS: usize = 4;
/// How many Certificates.
const CERTIFICATES: usize = 4;
/// How many DNSRecords: most of the time they wait for a resolver.
const DNS_RECORDS: usize = 32;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `--log` cannot be read.
    #[error("--log: {0}")]
    Log(String),
    /// Two flags that do not go together.
    #[error(transparent)]
    Lives(#[from] BadLives),
    /// The cluster cannot be reached.
    #[error("{0}")]
    Connect(String),
    /// Flags do not go together.
    #[error("{0}")]
    Flags(String),
    /// The port cannot be taken.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The manager API cannot be served.
    #[error(transparent)]
    Api(#[from] OpeningError),
    /// The lease is lost. Whoever has it now must not be disturbed.
    #[error("this process does not lead any more: {0}")]
    Deposed(&'static str),
    /// What else was to be done cannot be.
    #[error("{0}")]
    Command(String),
}

/// Does what the command says; without one, delivers until asked to end by a signal.
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
    match config.command.clone() {
        None => Box::pin(serve(config)).await,
        Some(command) => {
            let connected = KubeCluster::connect(Tenure::default()).await;
            let cluster = connected.map_err(RunError::Connect)?;
            execute(command, &config, cluster)
                .await
                .map_err(RunError::Command)
        }
    }
}

async fn execute(command: Command, config: &Config, cluster: KubeCluster) -> Result<(), String> {
    match command {
        Command::Release { .. } => {
            let say = |text: &str| println!("{text}");
            let released = release::release_all(&cluster.watches(), &config.namespace, say).await;
            released.map_err(|error| error.to_string())
        }
        Command::Explain { app } => {
            let (_never, stopped) = watch::channel(false);
            let (wake, _woken) = mpsc::unbounded_channel();
            let Some(known) = fill(&cluster, &wake, &stopped).await else {
                return Ok(());
            };
            let apps = apps(config, &cluster, known, wake).await;
            println!("{}", explain::explain(&apps, &app).await?);
            Ok(())
        }
    }
}

/// Delivers until asked to end by a signal.
async fn serve(config: Config) -> Result<(), RunError> {
    let lifetimes = config.lifetimes()?;
    let dns = Settings::of(&config.dns).map_err(RunError::Flags)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| RunError::Listen {
            address: config.listen,
            error,
        })?;
    let api = ManagerApi::open(&config).await?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("asked to end");
        let _ = stop.send(true);
    });
    let (phase, phases) = watch::channel(Phase::Starting);
    let pages = tokio::spawn(http::serve(listener, phases.clone(), told(stopped.clone())));

    let tenure = Tenure::default();
    let connected = KubeCluster::connect(tenure.clone()).await;
    let cluster = connected.map_err(RunError::Connect)?;
    let (known, worlds) = watch::channel(None);
    let api = api.map(|api| tokio::spawn(api.serve(cluster.clone(), phases, worlds, told(stopped.clone()))));
    let telling = Telling { phase, known };
    tokio::select! {
        ended = lead(config, (lifetimes, dns), cluster, tenure, telling, stopped.clone()) => ended?,
        () = told_long_ago(stopped) => {}
    }
    let _ = pages.await;
    if let Some(api) = api {
        let _ = api.await;
    }
    Ok(())
}

/// What the servers of this process are told of it.
struct Telling {
    phase: watch::Sender<Phase>,
    /// What is known of the cluster, while this process leads.
    known: watch::Sender<Option<Arc<World>>>,
}

/// Works for as long as this process leads.
async fn lead(
    config: Config,
    checked: (Lifetimes, Settings),
    cluster: KubeCluster,
    tenure: Tenure,
    telling: Telling,
    stopped: watch::Receiver<bool>,
) -> Result<(), RunError> {
    if !config.leader_elect {
        metrics().leads(true);
        deliver(config, checked, cluster, &telling, stopped).await;
        return Ok(());
    }
    let mut candidate = Candidate::new(cluster.watches(), &config.namespace, tenure);
    let stand_by = |leader: Option<&str>| {
        if let Some(leader) = leader.map(str::to_owned) {
            telling.phase.send_replace(Phase::StandingBy { leader });
        }
    };
    let before = tokio::select! {
        before = candidate.elected(stand_by) => before,
        () = told(stopped.clone()) => return Ok(()),
    };
    metrics().leads(true);
    let work = async {
        if let Before::Wait(time) = before {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = told(stopped.clone()) => return,
            }
        }
        deliver(config, checked, cluster, &telling, stopped.clone()).await;
    };
    tokio::select! {
        () = work => {}
        deposed = candidate.deposed() => match deposed {
            Deposed::Lost(why) => return Err(RunError::Deposed(why)),
            // To end would be to start again; and who released may do it from within this very Pod.
            Deposed::Released => {
                tracing::info!("kubeOP is released: nothing is delivered any more");
                metrics().leads(false);
                telling.phase.send_replace(Phase::StandingBy { leader: RELEASED.to_owned() });
                telling.known.send_replace(None);
                told(stopped).await;
                return Ok(());
            }
        },
    }
    candidate.resign().await;
    Ok(())
}

async fn deliver(
    config: Config,
    checked: (Lifetimes, Settings),
    cluster: KubeCluster,
    telling: &Telling,
    stopped: watch::Receiver<bool>,
) {
    telling.phase.send_replace(Phase::Filling);
    let (lifetimes, dns) = checked;
    let (wake, woken) = mpsc::unbounded_channel();
    let Some(world) = fill(&cluster, &wake, &stopped).await else {
        return;
    };
    tracing::info!("caches are filled");
    telling.known.send_replace(Some(world.clone()));
    let certificates = Arc::new(certificates(&config, lifetimes, &cluster, &world, &wake));
    if config.signs_for_api() {
        certificates.ask_for_authority();
    }
    let apps = Arc::new(apps(&config, &cluster, world.clone(), wake.clone()).await);
    let (cluster_id, allowlist) = (apps.cluster_id.clone(), apps.allowlist.clone());
    let client = cluster.watches();
    if matches!(dns.provider, Provider::ExternalDns) {
        watches::dns_endpoints(&client, &world, &wake);
    }
    let around = Surroundings {
        world: world.clone(),
        cluster_id: cluster_id.clone(),
        namespace: config.namespace.clone(),
        wake: wake.clone(),
    };
    let dns = Arc::new(DnsRecords::new(cluster.clone(), dns, around));
    let toucher = Toucher::new(cluster.clone(), world.clone());
    let projects = Arc::new(Projects {
        cluster,
        world: world.clone(),
        cluster_id,
        allowlist,
        memories: std::sync::Mutex::default(),
        absence: Absence::new(client.clone(), wake.clone()),
    });

    let Keys {
        apps: app_keys,
        owners,
        dns_records,
        certificates: certificate_keys,
    } = split(woken, world.clone());
    let concurrency = usize::from(config.concurrency);
    let app_loop = queue::work("App", until(stopped.clone(), app_keys), concurrency, move |key| {
        let apps = apps.clone();
        async move { apps.reconcile(key).await }
    });
    let keys = until(stopped.clone(), certificate_keys);
    let certificate_loop = queue::work("Certificate", keys, CERTIFICATES, move |key| {
        let certificates = certificates.clone();
        async move { certificates.reconcile(key).await }
    });
    let keys = until(stopped.clone(), dns_records);
    let dns_loop = queue::work("DNSRecord", keys, DNS_RECORDS, move |key| {
        let dns = dns.clone();
        async move { dns.reconcile(key).await }
    });
    let project_loop = queue::work("Project", until(stopped, owners), PROJECTS, move |owner| {
        let projects = projects.clone();
        async move { projects.reconcile(owner).await }
    });
    tokio::spawn(toucher.run(watches::unblocked(&client, &world)));
    telling.phase.send_replace(Phase::Working);
    tokio::join!(app_loop, project_loop, certificate_loop, dns_loop);
}

/// What is known of the cluster, once every watch has brought its first listing; none if asked to end before.
async fn fill(
    cluster: &KubeCluster,
    wake: &mpsc::UnboundedSender<Concerns>,
    stopped: &watch::Receiver<bool>,
) -> Option<Arc<World>> {
    let world = Arc::new(World::default());
    for mut filled in watches::start(&cluster.watches(), &world, wake) {
        tokio::select! {
            // The sender lives as long as its watch, which never ends by itself.
            _ = filled.wait_for(|filled| *filled) => {}
            () = told(stopped.clone()) => return None,
        }
    }
    Some(world)
}

async fn apps(
    config: &Config,
    cluster: &KubeCluster,
    world: Arc<World>,
    wake: mpsc::UnboundedSender<Concerns>,
) -> Apps<KubeCluster> {
    let cluster_id = match config.cluster_id.clone() {
        Some(id) => id,
        None => uid_of_kube_system(cluster).await,
    };
    Apps {
        followed: Followed::new(cluster.clone(), world.clone(), wake),
        cluster: cluster.clone(),
        world,
        memories: Memories::default(),
        allowlist: Some(config.image_allowlist.clone()).filter(|list| !list.is_empty()),
        cluster_id,
    }
}

fn certificates(
    config: &Config,
    lifetimes: Lifetimes,
    cluster: &KubeCluster,
    world: &Arc<World>,
    wake: &mpsc::UnboundedSender<Concerns>,
) -> Certificates<KubeCluster> {
    Certificates {
        watches: Attendant::new(cluster.watches(), world.clone(), wake.clone(), &config.namespace),
        absence: Absence::new(cluster.watches(), wake.clone()),
        cluster: cluster.clone(),
        world: world.clone(),
        wake: wake.clone(),
        namespace: config.namespace.clone(),
        lifetimes,
        authority: std::sync::Mutex::default(),
        memories: std::sync::Mutex::default(),
        bound: std::sync::Mutex::default(),
    }
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
