//! `manifests/monitoring`: every alert asks for metrics that exist, and says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kubeop_tests::generated::repository;
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, parse_duration, walk_expr};
use serde_json::Value;

/// Metrics of others.
const OF_OTHERS: [&str; 2] = [
    "kube_deployment_status_replicas_ready",
    "kube_deployment_spec_replicas",
];

/// What the text format appends to a name for counters and histograms.
const SUFFIXES: [&str; 5] = ["", "_total", "_bucket", "_sum", "_count"];

fn read(path: &str) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(path)).unwrap()
}

/// Every alert by name.
fn alerts() -> BTreeMap<String, Value> {
    let mut alerts = BTreeMap::new();
    for document in documents("manifests/monitoring/rules.yaml") {
        assert_eq!(document["kind"], "PrometheusRule");
        for group in document["spec"]["groups"].as_array().unwrap() {
            for rule in group["rules"].as_array().unwrap() {
                let name = rule["alert"].as_str().expect("a name").to_owned();
                assert!(
                    alerts.insert(name.clone(), rule.clone()).is_none(),
                    "{name} stands twice"
                );
            }
        }
    }
    assert!(!alerts.is_empty());
    alerts
}

fn text<'a>(alert: &'a Value, pointer: &str) -> &'a str {
    alert.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Names of metrics in an expression.
#[derive(Default)]
struct Metrics(BTreeSet<String>);

impl ExprVisitor for Metrics {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        let selector = match expression {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.vs,
            _ => return Ok(true),
        };
        self.0.extend(selector.name.clone());
        Ok(true)
    }
}

/// What a program registers, as its code says it: the unit is part of the name.
fn registered(program: &str) -> Vec<String> {
    let code = read(&format!("{program}/src/metrics.rs"));
    let registered = code.split("registry.register").skip(1).map(|rest| {
        let name = rest.split('"').nth(1).unwrap();
        let unit = if rest.starts_with("_with_unit") {
            "_seconds"
        } else {
            ""
        };
        format!("kubeop_{program}_{name}{unit}")
    });
    let registered: Vec<String> = registered.collect();
    assert!(!registered.is_empty(), "{program} registers nothing");
    registered
}

#[test]
fn every_alert_asks_for_metrics_that_exist() {
    let mut known = [registered("controller"), registered("webhook")].concat();
    known.extend(OF_OTHERS.map(str::to_owned));
    for (name, alert) in alerts() {
        let expression =
            parser::parse(text(&alert, "/expr")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut asked = Metrics::default();
        walk_expr(&mut asked, &expression).unwrap();
        assert!(!asked.0.is_empty(), "{name} asks for nothing");
        for metric in asked.0 {
            let exists = SUFFIXES.iter().any(|suffix| {
                let base = metric.strip_suffix(suffix);
                base.is_some_and(|base| known.iter().any(|known| known == base))
            });
            assert!(exists, "{name}: nobody has a metric {metric}");
        }
    }
}

/// A label's value that the code never writes makes an alert that never fires.
#[test]
fn every_value_of_a_label_is_one_that_the_programs_write() {
    let code = [
        "controller/src/app/events.rs",
        "controller/src/kube_io/error.rs",
        "webhook/src/metrics.rs",
    ];
    let code = code.map(read).concat();
    for (name, alert) in alerts() {
        let expression = text(&alert, "/expr");
        for label in ["reason", "outcome", "which"] {
            for rest in expression.split(&format!("{label}=\"")).skip(1) {
                let value = rest.split('"').next().unwrap();
                assert!(code.contains(&format!("\"{value}\"")), "{name}: {label} {value}");
            }
        }
    }
}

#[test]
fn every_alert_says_what_is_wrong_how_bad_that_is_and_what_to_do() {
    for (name, alert) in alerts() {
        assert!(
            ["critical", "warning", "info"].contains(&text(&alert, "/labels/severity")),
            "{name}"
        );
        assert!(!text(&alert, "/annotations/summary").is_empty(), "{name}");
        assert!(
            text(&alert, "/annotations/runbook").contains("`kubectl "),
            "{name}"
        );
        if let Some(time) = alert.get("for") {
            parse_duration(time.as_str().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// A command at three in the morning must not name what is not there.
#[test]
fn runbooks_name_what_is_there() {
    let installed = [
        "manifests/programs/webhook.yaml",
        "manifests/programs/controller.yaml",
        "manifests/webhook/validating.yaml",
        "controller/src/leader/mod.rs",
        "webhook/src/tls/secret.rs",
    ];
    let installed = installed.map(read).concat();
    for (name, alert) in alerts() {
        let runbook = text(&alert, "/annotations/runbook");
        let words = runbook.split(|c: char| !(c.is_ascii_alphanumeric() || "-./_".contains(c)));
        for word in words.map(|word| word.trim_end_matches('.')) {
            if word.starts_with("docs/") || word.ends_with(".md") {
                read(word);
            }
            let last = word.rsplit('/').next().unwrap();
            if last.starts_with("kubeop-") {
                assert!(installed.contains(last), "{name}: there is no {word}");
            }
        }
    }
}

/// What is scraped is a port that the program's Pods have, under their labels.
#[test]
fn the_monitors_select_pods_and_ports_of_the_programs() {
    let monitors = documents("manifests/monitoring/monitors.yaml");
    assert_eq!(monitors.len(), 2);
    for monitor in monitors {
        let name = text(&monitor, "/metadata/name")
            .trim_start_matches("kubeop-")
            .to_owned();
        let program = documents(&format!("manifests/programs/{name}.yaml"));
        let deployment = program
            .iter()
            .find(|object| object["kind"] == "Deployment")
            .unwrap();
        let template = &deployment["spec"]["template"];
        let wanted = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
        for (key, value) in wanted {
            assert_eq!(&template["metadata"]["labels"][key], value);
        }
        let ports = template["spec"]["containers"][0]["ports"].as_array().unwrap();
        for endpoint in monitor["spec"]["podMetricsEndpoints"].as_array().unwrap() {
            assert!(
                ports.iter().any(|port| port["name"] == endpoint["port"]),
                "{name}"
            );
        }
    }
}
