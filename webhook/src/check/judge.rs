//! One object, judged as the API server has it judged: mutated, then validated.

use super::known::Known;
use super::registrations::{Home, Registrations};
use super::report::Judged;
use crate::review;
use kubeop_shared::admission::{self, Request, Status, Verdict, Violation, refusal};
use kubeop_shared::api::names::GROUP;
use kubeop_shared::api::{AppSpec, CertificateSpec, DnsRecordSpec};
use kubeop_shared::manifests::file::Written;
use kubeop_shared::manifests::is_cluster_scoped;
use serde::Deserialize;
use serde_json::{Value, json};

/// Everything that a verdict depends on besides the object.
pub(super) struct Judge<'j> {
    pub known: &'j Known,
    pub registrations: &'j Registrations,
    /// Where objects are created that name no namespace.
    pub namespace: &'j str,
    /// Who creates them.
    pub user: &'j str,
}

impl Judge<'_> {
    /// What admission says about a new object; none where it is not asked.
    pub(super) fn judge(&self, file: &str, object: &Written) -> Option<Judged> {
        let gvk = &object.gvk;
        let namespace = self.namespace_of(object);
        let home = if self.known.is_project_namespace(&namespace) {
            Home::Project
        } else {
            Home::Elsewhere
        };
        let Registrations { mutating, validating } = self.registrations;
        if !validating.selects(gvk, home) && !mutating.selects(gvk, home) {
            return None;
        }
        let mut value = object.value.clone();
        if !namespace.is_empty()
            && let Some(Value::Object(metadata)) = value.get_mut("metadata")
        {
            metadata.insert("namespace".to_owned(), namespace.clone().into());
        }
        let mut judged = Judged::new(file, object, &namespace);
        if mutating.selects(gvk, home) {
            let patch = self.ask(&value, object, admission::mutate, &mut judged);
            // A patch that does not fit is for an object that validation cannot read either.
            if let Ok(patch) = json_patch::Patch::deserialize(Value::Array(patch)) {
                let _ = json_patch::patch(&mut value, &patch);
            }
        }
        if validating.selects(gvk, home) && judged.violations.is_empty() {
            self.ask(&value, object, admission::validate, &mut judged);
        }
        Some(judged)
    }

    /// Where an object is created, as `kubectl apply` decides it; empty for what belongs to no namespace.
    fn namespace_of(&self, object: &Written) -> String {
        let gvk = &object.gvk;
        let cluster_scoped = is_cluster_scoped(&gvk.group, &gvk.kind)
            || (gvk.group == GROUP && is_own_cluster_scoped(&gvk.kind));
        if cluster_scoped {
            return String::new();
        }
        let said = object.value.pointer("/metadata/namespace");
        let said = said.and_then(Value::as_str).filter(|said| !said.is_empty());
        said.unwrap_or(self.namespace).to_owned()
    }

    /// Asks as the API server does, by the bytes of a review, and keeps what is answered. Returns the patch.
    fn ask(
        &self,
        value: &Value,
        object: &Written,
        rules: fn(&admission::Facts, &Request<'_>) -> Verdict,
        judged: &mut Judged,
    ) -> Vec<Value> {
        let gvk = &object.gvk;
        let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "check", "kind": {"group": gvk.group, "version": gvk.version, "kind": gvk.kind},
            "name": judged.name, "namespace": judged.namespace, "operation": "CREATE",
            "userInfo": {"username": self.user}, "object": value}})
        .to_string();
        let request = match review::read(body.as_bytes()) {
            Ok(request) => request,
            Err(error) => {
                // The body was made here, of values that were read.
                judged.warnings.push(error.to_string());
                return Vec::new();
            }
        };
        let verdict = review::too_deep(body.as_bytes()).unwrap_or_else(|| self.known.decide(&request, rules));
        match verdict {
            Verdict::Allow { patch, warnings } => {
                for warning in warnings {
                    // As the API server does, each once.
                    if !judged.warnings.contains(&warning) {
                        judged.warnings.push(warning);
                    }
                }
                judged.refuse(&request, unreadable(object));
                patch
            }
            Verdict::Deny(violations) => {
                judged.refuse(&request, violations);
                Vec::new()
            }
            Verdict::Need(_) => Vec::new(),
        }
    }
}

impl Judged {
    fn refuse(&mut self, request: &Request<'_>, violations: Vec<Violation>) {
        if !violations.is_empty() {
            self.status = Some(Status::of(&violations).code());
            self.message = Some(refusal(request, &violations));
            self.violations = violations;
        }
    }
}

fn is_own_cluster_scoped(kind: &str) -> bool {
    matches!(kind, "Project" | "Tenant")
}

/// Rules read what they need; the API server would not even ask them about a spec that has another form.
fn unreadable(object: &Written) -> Vec<Violation> {
    if object.gvk.group != GROUP {
        return Vec::new();
    }
    let spec = object.value.get("spec").unwrap_or(&Value::Null);
    let read = match &*object.gvk.kind {
        "App" => AppSpec::deserialize(spec).map(drop),
        "Certificate" => CertificateSpec::deserialize(spec).map(drop),
        "DNSRecord" => DnsRecordSpec::deserialize(spec).map(drop),
        // Read whole by their rules.
        _ => Ok(()),
    };
    read.err().iter().map(admission::unreadable).collect()
}
