//! Tables of what is decided upon what, and a fight that must not be.

use super::*;
use crate::api::Standing;
use crate::api::certificate::IssuerKind::{self, CertManager, SelfManaged};
use crate::api::conditions::Reason;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
}

fn trust() -> Trust {
    Trust {
        bundle: 7,
        until: at(1000),
        life: SignedDuration::from_hours(9),
    }
}

/// Made at 0, renewed at 6, ends at 9.
fn holding() -> Holding {
    Holding {
        issued: Some(Issued {
            names: vec!["web.example.com".to_owned()],
            issuer: "CN=x".to_owned(),
            not_before: at(-1),
            not_after: at(9),
            renewal: at(6),
            fingerprint: "f".to_owned(),
        }),
        fault: None,
        bundle: 7,
        marked: true,
    }
}

fn observed(issuer: IssuerKind) -> Observed<'static> {
    Observed {
        host: "web.example.com",
        secret_name: "web-tls",
        issuer,
        record: None,
        secret: SecretState::Ours(holding()),
        external: match issuer {
            SelfManaged => ExternalState::Absent,
            CertManager => ExternalState::Ours(external()),
        },
        trust: Some(trust()),
        now: at(1),
    }
}

fn external() -> External {
    External {
        is_as_wanted: true,
        ready: true,
        failed: false,
        message: "says".to_owned(),
    }
}

fn decided(observed: &Observed<'_>) -> (Action, Reason) {
    let decision = decide(observed);
    (decision.action, decision.standing.reason)
}

#[test]
fn what_is_good_is_left_alone_until_it_is_renewed() {
    let decision = decide(&observed(SelfManaged));
    assert_eq!(decision.action, Action::Say);
    assert_eq!(
        decision.standing,
        Standing::ready("web.example.com has a certificate by kubeOP's own CA until 2027-01-15T17:00:00Z")
    );
    assert_eq!(decision.again, Some(at(6)));
}

#[test]
fn the_self_managed_issuer_signs_where_a_client_would_refuse_and_mends_the_rest() {
    let with = |change: fn(&mut Holding)| {
        let mut holding = holding();
        change(&mut holding);
        SecretState::Ours(holding)
    };
    for (secret, now, wanted) in [
        (SecretState::Absent, at(1), Action::Issue),
        (with(|held| held.issued = None), at(1), Action::Issue),
        (
            with(|held| held.fault = Some("it is broken".to_owned())),
            at(1),
            Action::Issue,
        ),
        (with(|_| {}), at(-2), Action::Issue),
        (with(|_| {}), at(5), Action::Say),
        (with(|_| {}), at(6), Action::Issue),
        (with(|_| {}), at(9), Action::Issue),
        (with(|held| held.bundle = 8), at(1), Action::Mend),
        (with(|held| held.marked = false), at(1), Action::Mend),
        (
            with(|held| (held.marked, held.fault) = (false, Some(String::new()))),
            at(1),
            Action::Issue,
        ),
    ] {
        let observed = Observed {
            secret: secret.clone(),
            now,
            ..observed(SelfManaged)
        };
        assert_eq!(decide(&observed).action, wanted, "{secret:?} {now}");
    }
}

#[test]
fn one_that_would_not_live_longer_waits_for_another_ca() {
    let cut = |now| Observed {
        trust: Some(Trust {
            until: at(9),
            ..trust()
        }),
        now,
        ..observed(SelfManaged)
    };
    assert_eq!(decide(&cut(at(6))).action, Action::Say);
    assert_eq!(decide(&cut(at(6))).again, Some(at(9)), "no time that has passed");
    let longer = Observed {
        trust: Some(Trust {
            until: at(10),
            ..trust()
        }),
        ..cut(at(6))
    };
    assert_eq!(decide(&longer).action, Action::Issue);
}

#[test]
fn nothing_is_signed_before_there_is_a_ca() {
    let none = Observed {
        trust: None,
        secret: SecretState::Absent,
        ..observed(SelfManaged)
    };
    assert_eq!(decided(&none), (Action::Say, Reason::Progressing));
}

#[test]
fn a_foreign_secret_is_left_alone_whoever_signs() {
    for issuer in [SelfManaged, CertManager] {
        for external in [ExternalState::Absent, ExternalState::Ours(external())] {
            let foreign = Observed {
                secret: SecretState::Foreign("is of type Opaque".to_owned()),
                external,
                ..observed(issuer)
            };
            assert_eq!(decided(&foreign), (Action::Say, Reason::Conflict));
            let message = decide(&foreign).standing.message;
            assert!(
                message.starts_with("Secret web-tls is of type Opaque: "),
                "{message}"
            );
        }
    }
}

#[test]
fn the_record_is_named_while_it_is_not_ready() {
    let record = |state| {
        Some(Record {
            name: "web-external",
            state,
        })
    };
    let not_ready = || Some(RecordState::NotReady("nobody answers".to_owned()));
    for (state, reason, words) in [
        (Some(RecordState::Ready), Reason::Succeeded, "has a certificate"),
        (
            not_ready(),
            Reason::Waiting,
            "DNSRecord web-external is not ready: nobody answers. web.example.com has",
        ),
        (None, Reason::Waiting, "there is no DNSRecord web-external"),
    ] {
        for issuer in [SelfManaged, CertManager] {
            let observed = Observed {
                record: record(state.clone()),
                ..observed(issuer)
            };
            let decision = decide(&observed);
            assert_eq!((decision.action, decision.standing.reason), (Action::Say, reason));
            assert!(
                decision.standing.message.contains(words),
                "{}",
                decision.standing.message
            );
        }
    }
    // kubeOP's own CA needs no proof of a name, others may.
    for (issuer, wanted) in [(SelfManaged, Action::Issue), (CertManager, Action::Say)] {
        let first = Observed {
            record: record(not_ready()),
            secret: SecretState::Absent,
            external: ExternalState::Absent,
            ..observed(issuer)
        };
        assert_eq!(decide(&first).action, wanted);
    }
}

#[test]
fn of_cert_manager_both_its_word_and_the_secret_count() {
    let external = |change: fn(&mut External)| {
        let mut external = external();
        change(&mut external);
        ExternalState::Ours(external)
    };
    let ours = || SecretState::Ours(holding());
    let broken = SecretState::Ours(Holding {
        fault: Some("it does not name the host".to_owned()),
        ..holding()
    });
    for (state, secret, wanted) in [
        (
            ExternalState::NotInstalled,
            SecretState::Absent,
            (Action::Say, Reason::UnknownKind),
        ),
        (
            ExternalState::Foreign,
            SecretState::Absent,
            (Action::Say, Reason::Conflict),
        ),
        (
            ExternalState::Absent,
            SecretState::Absent,
            (Action::Request, Reason::Progressing),
        ),
        (
            ExternalState::Absent,
            ours(),
            (Action::Request, Reason::Progressing),
        ),
        (
            external(|of| of.is_as_wanted = false),
            ours(),
            (Action::Request, Reason::Progressing),
        ),
        (
            external(|of| of.ready = false),
            ours(),
            (Action::Say, Reason::Progressing),
        ),
        (
            external(|of| (of.ready, of.failed) = (false, true)),
            ours(),
            (Action::Say, Reason::IssuingFailed),
        ),
        (
            external(|_| {}),
            SecretState::Absent,
            (Action::Say, Reason::Progressing),
        ),
        (external(|_| {}), broken, (Action::Say, Reason::Unhealthy)),
        (external(|_| {}), ours(), (Action::Say, Reason::Succeeded)),
    ] {
        let observed = Observed {
            external: state.clone(),
            secret: secret.clone(),
            trust: None,
            ..observed(CertManager)
        };
        assert_eq!(decided(&observed), wanted, "{state:?} {secret:?}");
    }
}

#[test]
fn while_cert_manager_is_asked_kubeop_does_not_write_the_secret() {
    let secrets = [SecretState::Absent, SecretState::Ours(holding())];
    for secret in secrets {
        for now in [at(1), at(6), at(9)] {
            let back = Observed {
                external: ExternalState::Ours(external()),
                secret: secret.clone(),
                now,
                ..observed(SelfManaged)
            };
            assert_eq!(decide(&back).action, Action::Withdraw);
            let there = Observed {
                secret: secret.clone(),
                now,
                ..observed(CertManager)
            };
            let action = decide(&there).action;
            assert!(!matches!(action, Action::Issue | Action::Mend), "{action:?}");
        }
    }
}
