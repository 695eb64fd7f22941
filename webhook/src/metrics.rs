//! What `/metrics` says. Counters are made at the start, so that a review looks nothing up; every label has few values,
//! all of them known here.

use crate::tls::CertificateState;
use kubeop_shared::admission::{Code, Verdict};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;
use time::OffsetDateTime;

type One = Family<[(&'static str, &'static str); 1], Counter>;
type Two = Family<[(&'static str, &'static str); 2], Counter>;

/// Bounds of a review, in seconds.
const REVIEWS: [f64; 9] = [0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    mutating: Reviews,
    validating: Reviews,
    refusals: One,
    audited: Counter,
    unreadable: Counter,
    took: Histogram,
    ends: Family<[(&'static str, &'static str); 1], Gauge>,
}

/// Reviews of one path, by what was answered.
struct Reviews {
    allowed: Counter,
    refused: Counter,
    undecided: Counter,
}

impl Reviews {
    fn of(path: &'static str, all: &Two) -> Self {
        let counter = |verdict| all.get_or_create_owned(&[("path", path), ("verdict", verdict)]);
        Self {
            allowed: counter("allowed"),
            refused: counter("refused"),
            undecided: counter("undecided"),
        }
    }
}

/// Which page a review was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// What is missing is added.
    Mutate,
    /// What is there is judged.
    Validate,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("kubeop_webhook");
        let reviews = Two::default();
        let refusals = One::default();
        let audited = Counter::default();
        let unreadable = Counter::default();
        let took = Histogram::new(REVIEWS);
        let ends = Family::default();
        registry.register("reviews", "Reviews, by page and answer", reviews.clone());
        registry.register(
            "refusals",
            "Faults that were refused, by their code",
            refusals.clone(),
        );
        registry.register(
            "audited",
            "Faults that would have been refused, in projects that only audit",
            audited.clone(),
        );
        registry.register(
            "unreadable",
            "Requests that are no review: answered with 400, 408 or 413",
            unreadable.clone(),
        );
        registry.register_with_unit(
            "review",
            "From a whole body to the answer",
            Unit::Seconds,
            took.clone(),
        );
        registry.register_with_unit(
            "certificate_not_after",
            "When a certificate ends, since 1970",
            Unit::Seconds,
            ends.clone(),
        );
        registry.register(
            "build",
            "The program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            mutating: Reviews::of("mutate", &reviews),
            validating: Reviews::of("validate", &reviews),
            registry,
            refusals,
            audited,
            unreadable,
            took,
            ends,
        }
    }
}

impl Metrics {
    /// A review was answered.
    pub fn review(&self, path: Path, verdict: &Verdict, took: Duration) {
        self.took.observe(took.as_secs_f64());
        let reviews = match path {
            Path::Mutate => &self.mutating,
            Path::Validate => &self.validating,
        };
        match verdict {
            Verdict::Allow { warnings, .. } => {
                reviews.allowed.inc();
                let audited = warnings.iter().filter(|warning| warning.starts_with("audit: "));
                self.audited.inc_by(audited.count() as u64);
            }
            Verdict::Deny(violations) => {
                reviews.refused.inc();
                for violation in violations {
                    self.refused(violation.code);
                }
            }
            Verdict::Need(_) => drop(reviews.undecided.inc()),
        }
    }

    /// Something was sent that is no review.
    pub fn unreadable(&self) {
        self.unreadable.inc();
    }

    fn refused(&self, code: Code) {
        self.refusals.get_or_create(&[("code", code.name())]).inc();
    }

    /// The page, in the text format of `OpenMetrics` 1.0.
    pub fn page(&self, certificate: &CertificateState) -> String {
        let end = |which, until: OffsetDateTime| {
            self.ends
                .get_or_create(&[("which", which)])
                .set(until.unix_timestamp());
        };
        end("leaf", certificate.leaf.until);
        if let Some(ca) = &certificate.ca {
            end("ca", ca.until);
        }
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut page, &self.registry);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, Path};
    use crate::tls::CertificateState;
    use kubeop_certs::Validity;
    use kubeop_shared::admission::{Code, Verdict, Violation};
    use std::time::Duration;
    use time::OffsetDateTime;

    #[test]
    fn the_page_says_what_was_answered() {
        let metrics = Metrics::default();
        let fault = || Violation {
            code: Code::ImageNotAllowed,
            path: String::new(),
            value: String::new(),
            why: String::new(),
            remedy: String::new(),
        };
        let took = Duration::from_micros(30);
        metrics.review(Path::Validate, &Verdict::Deny(vec![fault(), fault()]), took);
        let warnings = vec!["audit: [ImageNotAllowed] x".to_owned(), "y".to_owned()];
        let allowed = Verdict::Allow {
            patch: Vec::new(),
            warnings,
        };
        metrics.review(Path::Mutate, &allowed, took);
        metrics.unreadable();
        let page = metrics.page(&CertificateState {
            trouble: None,
            leaf: Validity {
                from: OffsetDateTime::UNIX_EPOCH,
                until: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(77),
            },
            ca: None,
        });
        for line in [
            "kubeop_webhook_reviews_total{path=\"validate\",verdict=\"refused\"} 1",
            "kubeop_webhook_reviews_total{path=\"mutate\",verdict=\"allowed\"} 1",
            "kubeop_webhook_reviews_total{path=\"mutate\",verdict=\"undecided\"} 0",
            "kubeop_webhook_refusals_total{code=\"ImageNotAllowed\"} 2",
            "kubeop_webhook_audited_total 1",
            "kubeop_webhook_unreadable_total 1",
            "kubeop_webhook_review_seconds_bucket{le=\"0.00005\"} 2",
            "kubeop_webhook_certificate_not_after_seconds{which=\"leaf\"} 77",
        ] {
            assert!(page.contains(line), "no {line} in:\n{page}");
        }
    }
}
