//! Rule 1, first part: an App lives in its Project's namespace.

use super::scope::Scope;
use super::{Code, Request, Violation};

/// `metadata.namespace`, `spec.namespace` and the Project's namespace agree.
pub(super) fn check(
    scope: &Scope,
    request: &Request<'_>,
    spec_namespace: Option<&str>,
    violations: &mut Vec<Violation>,
) {
    let Some(project) = scope.project.as_deref() else {
        return;
    };
    let name = scope.project_name.as_deref().unwrap_or_default();
    let right = project.namespace.as_str();
    let mut wrong = |path: &str, value: &str, remedy: String| {
        violations.push(Violation {
            code: Code::WrongNamespace,
            path: path.to_owned(),
            value: value.to_owned(),
            why: format!("is not the namespace of project {name} ({right})"),
            remedy,
        });
    };
    if request.namespace != right {
        wrong(
            "metadata.namespace",
            &request.namespace,
            format!("kubectl apply -n {right} -f ..."),
        );
    }
    if let Some(said) = spec_namespace
        && said != right
    {
        wrong("spec.namespace", said, format!("Write {right}, or leave it out."));
    }
}

/// An App has a name of its own.
pub(super) fn named(generate_name: Option<&str>, violations: &mut Vec<Violation>) {
    if let Some(prefix) = generate_name.filter(|prefix| !prefix.is_empty()) {
        violations.push(Violation {
            code: Code::GenerateName,
            path: "metadata.generateName".to_owned(),
            value: prefix.to_owned(),
            why: "makes another App at each apply".to_owned(),
            remedy: "Write metadata.name.".to_owned(),
        });
    }
}
