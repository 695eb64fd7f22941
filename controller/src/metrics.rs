//! What `/metrics` says. Every label has few values, all of them known here: no name of an App, a user or a namespace.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::time::Duration;

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];

/// Bounds of a look at an App, in seconds.
const LOOKS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// All that is counted, one for the process.
pub struct Metrics {
    registry: Registry,
    events: Family<One, Counter>,
    calls: Family<Two, Counter>,
    looks: Histogram,
    panics: Family<One, Counter>,
    dns_updates: Family<One, Counter>,
    api_requests: Family<One, Counter>,
    waiting: Family<One, Gauge>,
    leader: Gauge,
}

/// The process's own.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("kubeop_controller");
        let events = Family::default();
        let calls = Family::default();
        let looks = Histogram::new(LOOKS);
        let panics = Family::default();
        let dns_updates = Family::default();
        let api_requests = Family::default();
        let waiting = Family::default();
        let leader = Gauge::default();
        registry.register(
            "events",
            "What happened to Apps, by the reason of the Event that tells it: hooks, rollouts, rollbacks, drift",
            events.clone(),
        );
        registry.register(
            "calls",
            "Calls of the API server, watches apart, by verb and outcome",
            calls.clone(),
        );
        registry.register_with_unit(
            "look",
            "One look at an App, with what was done",
            Unit::Seconds,
            looks.clone(),
        );
        registry.register("panics", "Looks that ended in a panic", panics.clone());
        registry.register(
            "dns_updates",
            "Dynamic updates that a DNS server answered, by outcome",
            dns_updates.clone(),
        );
        registry.register(
            "api_requests",
            "Requests of the manager API, by class of the answer",
            api_requests.clone(),
        );
        registry.register("waiting", "Objects that wait for a look", waiting.clone());
        registry.register("leader", "Whether this process leads", leader.clone());
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        Self {
            registry,
            events,
            calls,
            looks,
            panics,
            dns_updates,
            api_requests,
            waiting,
            leader,
        }
    }

    /// An Event was told.
    pub fn event(&self, reason: &'static str) {
        self.events.get_or_create(&[("reason", reason)]).inc();
    }

    /// A call of the API server was answered, or not.
    pub fn call(&self, verb: &'static str, outcome: &'static str) {
        let labels = [("verb", verb), ("outcome", outcome)];
        self.calls.get_or_create(&labels).inc();
    }

    /// An App was looked at.
    pub fn look(&self, took: Duration) {
        self.looks.observe(took.as_secs_f64());
    }

    /// A look ended in a panic.
    pub fn panic(&self, kind: &'static str) {
        self.panics.get_or_create(&[("kind", kind)]).inc();
    }

    /// A DNS server answered an update.
    pub fn dns_update(&self, outcome: &'static str) {
        self.dns_updates.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A request of the manager API was answered: `2xx`, `4xx` or `5xx`.
    pub fn api_request(&self, class: &'static str) {
        self.api_requests.get_or_create(&[("class", class)]).inc();
    }

    /// So many objects of a kind wait for a look.
    pub fn waiting(&self, kind: &'static str, count: usize) {
        let gauge = self.waiting.get_or_create(&[("kind", kind)]);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether this process leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// The page, in the text format of `OpenMetrics` 1.0.
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut page, &self.registry);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use std::time::Duration;

    #[test]
    fn the_page_says_what_was_counted() {
        let metrics = Metrics::new();
        metrics.event("HookFailed");
        metrics.event("HookFailed");
        metrics.call("patch", "ok");
        metrics.look(Duration::from_millis(3));
        metrics.api_request("4xx");
        metrics.waiting("App", 7);
        metrics.leads(true);
        let page = metrics.page();
        for line in [
            "kubeop_controller_events_total{reason=\"HookFailed\"} 2",
            "kubeop_controller_calls_total{verb=\"patch\",outcome=\"ok\"} 1",
            "kubeop_controller_look_seconds_bucket{le=\"0.005\"} 1",
            "kubeop_controller_api_requests_total{class=\"4xx\"} 1",
            "kubeop_controller_waiting{kind=\"App\"} 7",
            "kubeop_controller_leader 1",
        ] {
            assert!(page.contains(line), "no {line} in:\n{page}");
        }
    }
}
