//! An API server that hears of everything late: it meets each replica's certificate again and again, over connections
//! of its own, and trusts what stood in the registrations a moment ago. The real one keeps its connections, and would
//! meet few certificates in a short test.

use kubeop_tests::https::Connection;
use kubeop_tests::replicas::{Replica, Replicas};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much later it hears of what the registrations trust.
const LATE: Duration = Duration::from_millis(400);

/// What it has met.
#[derive(Default)]
pub struct Witness {
    known: VecDeque<(Instant, Vec<String>)>,
    /// The certificates that each replica served, in their order, each once.
    pub served: Vec<Vec<Vec<u8>>>,
    /// Every bundle that the registrations had, in their order.
    pub bundles: Vec<String>,
}

impl Witness {
    /// Looks at these replicas until something is so, or the time is up.
    ///
    /// # Panics
    /// At the first certificate that is not trusted, and when the time is up.
    pub async fn look_until(
        &mut self,
        replicas: &Replicas<'_>,
        all: &[Replica],
        what: &str,
        deadline: Duration,
        mut so: impl FnMut(&Self) -> bool,
    ) {
        let start = Instant::now();
        loop {
            self.look(replicas, all).await;
            if so(self) {
                return;
            }
            assert!(start.elapsed() < deadline, "{what}: not within {deadline:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn look(&mut self, replicas: &Replicas<'_>, all: &[Replica]) {
        let mut bundles = replicas.bundles().await.unwrap();
        bundles.sort();
        bundles.dedup();
        for bundle in &bundles {
            if self.bundles.last() != Some(bundle) {
                self.bundles.push(bundle.clone());
            }
        }
        self.known.push_back((Instant::now(), bundles));
        while self.known.get(1).is_some_and(|(since, _)| since.elapsed() > LATE) {
            self.known.pop_front();
        }
        let (_, known) = self.known.front().unwrap();
        self.served.resize(all.len(), Vec::new());
        for (replica, served) in all.iter().zip(&mut self.served) {
            for bundle in known {
                let met = Connection::open_trusting(&replica.url(), bundle.as_bytes()).await;
                let certificate = met
                    .unwrap_or_else(|error| panic!("{} is not trusted: {error:#}", replica.name))
                    .certificate();
                if served.last() != Some(&certificate) {
                    served.push(certificate);
                }
            }
        }
    }
}

/// Which CA of a bundle has signed a certificate: its place in the bundle.
pub fn signed_by(certificate: &[u8], bundle: &str) -> Option<usize> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    let (mut roots, name) = (CertificateDer::pem_slice_iter(bundle.as_bytes()), "127.0.0.1");
    roots.position(|root| {
        let mut store = rustls::RootCertStore::empty();
        store.add(root.unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(store.into(), provider);
        use rustls::client::danger::ServerCertVerifier;
        let (now, name) = (
            rustls::pki_types::UnixTime::now(),
            ServerName::try_from(name).unwrap(),
        );
        verifier
            .build()
            .unwrap()
            .verify_server_cert(&CertificateDer::from(certificate), &[], &name, &[], now)
            .is_ok()
    })
}
