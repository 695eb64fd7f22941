//! What no Certificate gets, whatever its Secret holds.

use super::observed::Asked;
use crate::api::certificate::IssuerKind;
use crate::api::conditions::Reason;
use crate::api::{Standing, names};
use crate::host::{HostVerdict, why_internal};

/// Why a Certificate does not get what it asks for; none if it may.
#[must_use]
pub fn refusal(asked: &Asked<'_>) -> Option<Standing> {
    let Asked { host, secret, .. } = asked;
    if let HostVerdict::Refused(not_under) = asked.verdict {
        let message = format!(
            "spec.host: {host:?} {not_under}. Name a host under one of these, or have it added to the hosts of {}",
            not_under.level
        );
        return Some(Standing::refused(Reason::HostNotAllowed, message));
    }
    if asked.issuer == IssuerKind::SelfManaged
        && let Some(why) = why_internal(host)
    {
        let message = format!(
            "spec.host: {host:?} {why}, and kubeOP's own CA signs none of these. Name a host that others know, or an \
             issuer of cert-manager's by spec.issuer"
        );
        return Some(Standing::refused(Reason::HostNotAllowed, message));
    }
    if is_reserved(asked.namespace, secret, asked.system_namespace) {
        let message =
            format!("spec.secretName: {secret:?} is kept for kubeOP's own Secrets. Name another one");
        return Some(Standing::refused(Reason::Conflict, message));
    }
    asked.rival.map(|rival| {
        let message = format!(
            "Secret {secret} belongs to Certificate {rival}, which is older. Name another one by spec.secretName, or \
             delete the other:\nkubectl delete -n {} certificates.{}/{rival}",
            asked.namespace,
            names::GROUP
        );
        Standing::refused(Reason::Conflict, message)
    })
}

/// Secrets that kubeOP keeps for itself, and may not have made yet.
fn is_reserved(namespace: &str, secret: &str, system_namespace: &str) -> bool {
    secret.starts_with(&names::record_name(""))
        || (namespace == system_namespace && secret.starts_with("kubeop-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{HostSuffixes, Hosts};

    fn asked(host: &'static str) -> Asked<'static> {
        Asked {
            namespace: "kubeop-web",
            system_namespace: "kubeop-system",
            host,
            secret: "web-tls",
            issuer: IssuerKind::SelfManaged,
            verdict: HostVerdict::Unbounded,
            rival: None,
        }
    }

    fn told(asked: &Asked<'_>) -> Option<(Reason, String)> {
        refusal(asked).map(|standing| (standing.reason, standing.message))
    }

    #[test]
    fn a_host_outside_the_lists_is_refused_whoever_signs() {
        let list = HostSuffixes::narrowing(&["acme.example".to_owned()]).unwrap();
        let hosts = Hosts {
            tenant: None,
            project: Some(("web", &list)),
        };
        for issuer in [IssuerKind::SelfManaged, IssuerKind::CertManager] {
            let of = |host: &'static str| Asked {
                issuer,
                verdict: hosts.judge(host),
                ..asked(host)
            };
            assert_eq!(told(&of("pay.acme.example")), None);
            let (reason, message) = told(&of("evil.example")).unwrap();
            assert_eq!(reason, Reason::HostNotAllowed);
            let wanted = "spec.host: \"evil.example\" is not under a host of project web (acme.example). ";
            assert!(message.starts_with(wanted), "{message}");
        }
    }

    #[test]
    fn only_kubeops_own_ca_refuses_names_inside_the_cluster() {
        let internal = "web.kubeop-web.svc";
        assert_eq!(told(&asked("web.example.com")), None);
        assert_eq!(told(&asked(internal)).unwrap().0, Reason::HostNotAllowed);
        let other = Asked {
            issuer: IssuerKind::CertManager,
            ..asked(internal)
        };
        assert_eq!(told(&other), None);
    }

    #[test]
    fn kubeops_own_secrets_are_nobodys() {
        for (namespace, secret, refused) in [
            ("kubeop-web", "kubeop-revision-pay-7", true),
            ("kubeop-web", "kubeop-issuer-ca", false),
            ("kubeop-system", "kubeop-issuer-ca", true),
            ("kubeop-system", "kubeop-webhook-ca", true),
            ("kubeop-system", "dashboard-tls", false),
        ] {
            let asked = Asked {
                namespace,
                secret,
                ..asked("web.example.com")
            };
            assert_eq!(told(&asked).is_some(), refused, "{namespace}/{secret}");
        }
    }

    #[test]
    fn s45_the_second_is_told_who_has_the_secret() {
        let second = Asked {
            rival: Some("a"),
            ..asked("web.example.com")
        };
        let (reason, message) = told(&second).unwrap();
        assert_eq!(reason, Reason::Conflict);
        assert!(
            message.starts_with("Secret web-tls belongs to Certificate a, "),
            "{message}"
        );
    }
}
