//! The certificate that the manager API serves: supplied as files, or signed for each replica by kubeOP's own CA, which
//! the replica that leads makes and follows up (`certificate::authority`). The CA's key is read when something is signed,
//! and not kept.

use super::trust::Trust;
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher, watcher::Event};
use kube::{Api, Client};
use kubeop_certs::kept::Kept;
use kubeop_certs::{Bundle, CertificateError, Found, Held, Leaf, Served, date};
use kubeop_serving::{CertificateState, SuppliedError, Warner, read_supplied, serve_supplied};
use kubeop_shared::api::names;
use rustls::ServerConfig;
use serde_json::json;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};

/// The flag that names the folder of a supplied certificate.
const FLAG: &str = "--api-tls-dir";
/// How long a certificate of a replica lives. It is renewed when two thirds are over.
const LEAF: time::Duration = time::Duration::hours(24);
/// It is looked at this often even if nothing is due: clocks may jump.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// What is served, and whom other replicas trust by it.
pub(super) struct Certificate {
    /// For the server.
    pub tls: ServerConfig,
    /// Tells whom to trust at the moment.
    pub trust: Box<dyn Fn() -> Result<Trust, String> + Send + Sync>,
    /// Held, so that the files are read for as long as they are served.
    pub files: Option<watch::Receiver<CertificateState>>,
}

/// Why no certificate can be signed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot {doing}: {source}")]
    Request {
        doing: &'static str,
        source: Box<kube::Error>,
    },
    #[error("cannot {doing}: no answer in time")]
    Late { doing: &'static str },
    #[error(
        "there is no CA in Secret {} yet. The replica that leads makes one",
        names::ISSUER_CA
    )]
    NoCa,
    #[error(
        "Secret {} holds no CA of kubeOP's. The replica that leads says more in its log",
        names::ISSUER_CA
    )]
    BadCa,
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Serves what stands in a folder.
pub(super) fn supplied(folder: &Path) -> Result<Certificate, SuppliedError> {
    let (tls, files) = serve_supplied(FLAG, folder)?;
    let folder = folder.to_owned();
    let trust = move || {
        let pair = read_supplied(FLAG, &folder).map_err(|error| error.to_string())?;
        let held = Held::read(&pair).map_err(|error| error.to_string())?;
        let mut names = held.names().iter();
        let name = names.find(|name| !name.starts_with('*'));
        let name = name.ok_or_else(|| format!("the certificate in {FLAG} names no host"))?;
        // Where nobody says who signed it, it speaks for itself: every replica has the same files.
        let ca = std::fs::read(folder.join("ca.crt")).unwrap_or_default();
        let roots = [Bundle::read(&ca), Bundle::read(pair.certificate.as_bytes())];
        Ok::<_, String>(Trust {
            roots: roots.iter().flat_map(Bundle::to_ders).collect(),
            name: name.clone(),
        })
    };
    Ok(Certificate {
        tls,
        trust: Box::new(trust),
        files: Some(files),
    })
}

/// Has a certificate signed for these names, and others after it. Returns once there is the first.
pub(super) async fn issued(
    client: Client,
    namespace: &str,
    names: Vec<String>,
) -> Result<Certificate, CertificateError> {
    let name = names.first().cloned().unwrap_or_default();
    let (told, bundle) = watch::channel(Bundle::default());
    let (first, served) = oneshot::channel();
    let keeper = Keeper {
        secrets: Api::namespaced(client.clone(), namespace),
        metadata: Api::namespaced(client.clone(), namespace),
        maps: Api::namespaced(client, namespace),
        names,
        leaf: None,
        served: None,
        first: Some(first),
        bundle: told,
        published: None,
        warner: Warner::default(),
        said: None,
    };
    tokio::spawn(keeper.run());
    let Ok(served) = served.await else {
        // The keeper never ends by itself: the program does.
        return std::future::pending().await;
    };
    let trust = move || {
        let roots = bundle.borrow().to_ders();
        let name = name.clone();
        Ok::<_, String>(Trust { roots, name })
    };
    Ok(Certificate {
        tls: served.server_config()?,
        trust: Box::new(trust),
        files: None,
    })
}

/// Keeps the certificate of this replica good.
struct Keeper {
    secrets: Api<Secret>,
    metadata: Api<PartialObjectMeta<Secret>>,
    maps: Api<ConfigMap>,
    names: Vec<String>,
    leaf: Option<Leaf>,
    served: Option<Arc<Served>>,
    /// Waits for the first.
    first: Option<oneshot::Sender<Arc<Served>>>,
    bundle: watch::Sender<Bundle>,
    /// What stands in the ConfigMap.
    published: Option<Bundle>,
    warner: Warner,
    /// The failure that was told last: each is told once.
    said: Option<String>,
}

impl Keeper {
    async fn run(mut self) {
        let only = watcher::Config::default().fields(&format!("metadata.name={}", names::ISSUER_CA));
        let mut news = pin!(watcher(self.metadata.clone(), only).default_backoff());
        loop {
            let wait = self.turn(OffsetDateTime::now_utc()).await;
            let due = tokio::time::sleep(wait);
            let mut due = pin!(due);
            loop {
                tokio::select! {
                    () = &mut due => break,
                    event = news.next() => match event {
                        // The Secret has come, changed or gone; what else a watch says is no news.
                        Some(Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_))) => break,
                        Some(Ok(Event::Init | Event::InitApply(_))) => {}
                        Some(Err(error)) => {
                            tracing::warn!(%error, "the watch of the CA broke and is started again");
                        }
                        // A watch never ends by itself.
                        None => {
                            due.as_mut().await;
                            break;
                        }
                    },
                }
            }
        }
    }

    /// One turn; how long nothing is due after it.
    async fn turn(&mut self, now: OffsetDateTime) -> Duration {
        let failed = match self.put_right(now).await {
            Ok(due) => {
                self.said = None;
                return due.min(self.warn(now, "")).min(LONGEST);
            }
            Err(failure) => failure.to_string(),
        };
        if self.said.as_ref() != Some(&failed) {
            tracing::warn!("no certificate can be signed for the manager API: {failed}");
        }
        let because = format!(": {failed}");
        self.said = Some(failed);
        RETRY.min(self.warn(now, &because))
    }

    async fn put_right(&mut self, now: OffsetDateTime) -> Result<Duration, Failure> {
        let kept = self.read().await?;
        let bundle = kept.bundle(now);
        self.bundle.send_if_modified(|told| {
            let is_news = *told != bundle;
            if is_news {
                told.clone_from(&bundle);
            }
            is_news
        });
        let next = self.present(&kept, now)?;
        // Who is not told whom to trust can still be served.
        if self.published.as_ref() != Some(&bundle) {
            self.publish(&bundle).await?;
            self.published = Some(bundle);
        }
        Ok(next)
    }

    /// Serves another certificate, if it is time for one; when the next is due.
    fn present(&mut self, kept: &Kept, now: OffsetDateTime) -> Result<Duration, Failure> {
        let due = match &self.leaf {
            Some(leaf) => leaf.gives_way_to(&kept.signing, LEAF),
            None => Some(now),
        };
        let Some(due) = due else {
            return Ok(LONGEST);
        };
        if let Ok(early) = Duration::try_from(due - now)
            && !early.is_zero()
        {
            return Ok(early);
        }
        let leaf = Leaf::sign(&kept.signing, &self.names, now, LEAF)?;
        if let Some(served) = &self.served {
            served.replace(leaf.pair())?;
        } else {
            let served = Arc::new(Served::new(leaf.pair())?);
            self.served = Some(served.clone());
            if let Some(first) = self.first.take() {
                let _ = first.send(served);
            }
        }
        tracing::info!(
            until = date(leaf.validity().until),
            "another certificate is served by the manager API"
        );
        let next = leaf.gives_way_to(&kept.signing, LEAF);
        self.leaf = Some(leaf);
        Ok(next.map_or(LONGEST, |next| (next - now).unsigned_abs()))
    }

    async fn read(&self) -> Result<Kept, Failure> {
        let secret = in_time("read the CA", self.secrets.get_opt(names::ISSUER_CA)).await?;
        let secret = secret.ok_or(Failure::NoCa)?;
        let text = |name: &str| std::str::from_utf8(&secret.data.as_ref()?.get(name)?.0).ok();
        match Found::read(secret.type_.as_deref(), text) {
            Found::Kept(kept) => Ok(kept),
            Found::Damaged(_) | Found::Foreign { .. } => Err(Failure::BadCa),
        }
    }

    /// Tells clients whom to trust, where that has changed: every replica may, and all write the same.
    async fn publish(&self, bundle: &Bundle) -> Result<(), Failure> {
        let there = in_time(
            "read the ConfigMap of the manager API",
            self.maps.get_opt(names::MANAGER_API),
        )
        .await?;
        let pem = bundle.to_pem();
        let said = there.as_ref().and_then(|map| map.data.as_ref()?.get("ca.crt"));
        if said.is_some_and(|said| Bundle::read(said.as_bytes()) == *bundle) {
            return Ok(());
        }
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": names::MANAGER_API},
            "data": {"ca.crt": pem}});
        let params = PatchParams::apply(names::FIELD_MANAGER).force();
        let map = Patch::Apply(&map);
        let written = self.maps.patch(names::MANAGER_API, &params, &map);
        in_time("write the ConfigMap of the manager API", written)
            .await
            .map(drop)
    }

    /// Writes a warning if the certificate comes to its end; when to ask again.
    fn warn(&mut self, now: OffsetDateTime, because: &str) -> Duration {
        let Some(leaf) = &self.leaf else {
            return LONGEST;
        };
        let remedy = format!("It should have been renewed by itself{because}. See the log.");
        let due = self.warner.check(
            "the certificate of the manager API",
            &remedy,
            leaf.validity(),
            now,
        );
        (due - now).unsigned_abs()
    }
}

async fn in_time<T>(
    doing: &'static str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(REQUEST, request).await {
        Ok(answer) => answer.map_err(|source| {
            let source = Box::new(source);
            Failure::Request { doing, source }
        }),
        Err(_) => Err(Failure::Late { doing }),
    }
}

#[cfg(test)]
mod tests {
    use super::supplied;
    use kubeop_certs::Authority;
    use time::{Duration, OffsetDateTime};

    #[tokio::test]
    async fn replicas_with_a_supplied_certificate_trust_who_signed_it_or_itself() {
        let now = OffsetDateTime::now_utc();
        let ca = Authority::new("x", now, Duration::DAY).unwrap();
        let names = ["*.acme.example".to_owned(), "api.acme.example".to_owned()];
        let pair = ca.server(&names, now, Duration::DAY).unwrap();
        let folder = std::env::temp_dir().join(format!("kubeop-api-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("tls.crt"), &pair.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &pair.key).unwrap();
        let certificate = supplied(&folder).unwrap();
        let alone = (certificate.trust)().unwrap();
        assert_eq!((alone.name.as_str(), alone.roots.len()), ("api.acme.example", 1));
        std::fs::write(folder.join("ca.crt"), ca.certificate()).unwrap();
        assert_eq!((certificate.trust)().unwrap().roots.len(), 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
