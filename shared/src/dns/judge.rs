//! How a `DNSRecord` stands, from what resolvers answer.

use super::answer::Agreement;
use super::{Answer, Asked, Wish};
use crate::api::DnsRecordStatus;
use crate::api::conditions::{self, ConditionStatus, ConditionType, Reason};
use crate::api::standing::Standing;

/// Who sees to it that a wish comes true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Somebody else: kubeOP only looks.
    Observe,
    /// kubeOP, by dynamic updates (RFC 2136).
    Rfc2136,
    /// external-dns, from a `DNSEndpoint`.
    ExternalDns,
}

/// How a wish stands. None: as it stood before, since no resolver says anything: what was seen last is held to be true
/// until somebody says otherwise.
pub fn judge(
    wish: &Wish,
    asked: &[Asked],
    provider: Provider,
    before: &DnsRecordStatus,
    generation: i64,
) -> Option<Standing> {
    let Wish { host, data, .. } = wish;
    let first = |wanted| asked.iter().find(|asked| asked.answer.agreement(wish) == wanted);
    if let Some(asked) = first(Agreement::Differs) {
        let found = asked.told().records.join(", ");
        let way = match provider {
            Provider::Observe => ". Change it where the zone is kept: kubeOP only observes",
            Provider::Rfc2136 | Provider::ExternalDns => {
                ". A resolver may hold what was there before until its time to live is over"
            }
        };
        let message = format!("{host} is {found} at {}, not {data}{way}", asked.resolver);
        return Some(Standing::waits(Reason::AnswerDiffers, message));
    }
    if let Some(asked) = first(Agreement::Missing) {
        let way = match provider {
            Provider::Observe => {
                format!(". Create the record {data} where the zone is kept: kubeOP only observes")
            }
            Provider::Rfc2136 => format!(", which is to answer {data}"),
            Provider::ExternalDns => {
                format!(", which is to answer {data} once external-dns has handled the DNSEndpoint")
            }
        };
        let message = format!("{host} does not resolve at {}{way}", asked.resolver);
        return Some(Standing::waits(Reason::NotResolved, message));
    }
    if first(Agreement::Holds).is_some() {
        let message = format!("{host} resolves to {data}");
        return Some(Standing::ready(message));
    }
    let known = before.observed_generation == Some(generation)
        && conditions::is_true(&before.conditions, ConditionType::Ready);
    if known {
        return None;
    }
    let why = asked.iter().find_map(|asked| match &asked.answer {
        Answer::Failed { why } => Some(format!("{}: {why}", asked.resolver)),
        Answer::Records { .. } | Answer::Nothing { .. } => None,
    });
    let why = why.unwrap_or_else(|| "there is none to ask".to_owned());
    let message = format!("no resolver says what {host} is ({why}). They are asked again by themselves");
    let mut standing = Standing::waits(Reason::Unreachable, message);
    standing.ready = ConditionStatus::Unknown;
    Some(standing)
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, Asked, Data, Wish};
    use super::{Provider, judge};
    use crate::api::DnsRecordStatus;
    use crate::api::conditions::{ConditionStatus, Reason};
    use crate::api::standing::Standing;
    use k8s_openapi::jiff::Timestamp;
    use rstest::rstest;

    fn records(target: &str) -> Answer {
        Answer::Records {
            records: vec![Data::of_target(target)],
            ttl: 60,
        }
    }

    const NOTHING: Answer = Answer::Nothing { ttl: 60 };

    fn silent() -> Answer {
        Answer::Failed {
            why: "no answer within 2 s".to_owned(),
        }
    }

    fn judged(answers: Vec<Answer>, before: &DnsRecordStatus) -> Option<Standing> {
        let wish = Wish {
            host: "web.example".to_owned(),
            data: Data::of_target("192.0.2.1"),
            ttl: 300,
        };
        let asked = answers.into_iter().zip(1..).map(|(answer, n)| Asked {
            resolver: format!("192.0.2.{n}:53"),
            answer,
        });
        let asked: Vec<_> = asked.collect();
        judge(&wish, &asked, Provider::Observe, before, 7)
    }

    fn ready_at(generation: i64) -> DnsRecordStatus {
        DnsRecordStatus {
            observed_generation: Some(generation),
            conditions: Standing::ready("x").said(&[], generation, Timestamp::UNIX_EPOCH),
            ..DnsRecordStatus::default()
        }
    }

    #[rstest]
    #[case::all(vec![records("192.0.2.1"), records("192.0.2.1")], ConditionStatus::True, Reason::Succeeded, "resolves to A 192.0.2.1")]
    #[case::all_that_answer(vec![silent(), records("192.0.2.1")], ConditionStatus::True, Reason::Succeeded, "resolves to")]
    #[case::one_differs(vec![records("192.0.2.1"), records("192.0.2.9")], ConditionStatus::False, Reason::AnswerDiffers, "is A 192.0.2.9 at 192.0.2.2:53, not A 192.0.2.1")]
    #[case::one_misses(vec![records("192.0.2.1"), NOTHING], ConditionStatus::False, Reason::NotResolved, "does not resolve at 192.0.2.2:53. Create the record A 192.0.2.1")]
    #[case::nobody_says(vec![silent()], ConditionStatus::Unknown, Reason::Unreachable, "192.0.2.1:53: no answer within 2 s")]
    #[case::nobody_to_ask(vec![], ConditionStatus::Unknown, Reason::Unreachable, "there is none to ask")]
    fn what_resolvers_say_is_how_it_stands(
        #[case] answers: Vec<Answer>,
        #[case] ready: ConditionStatus,
        #[case] reason: Reason,
        #[case] words: &str,
    ) {
        let standing = judged(answers, &DnsRecordStatus::default()).expect("something is said");
        assert_eq!((standing.ready, standing.reason), (ready, reason));
        assert!(standing.message.contains(words), "{}", standing.message);
    }

    #[test]
    fn what_was_seen_holds_while_nobody_says_anything() {
        assert_eq!(judged(vec![silent()], &ready_at(7)), None);
    }

    #[test]
    fn it_does_not_hold_for_a_change_that_nobody_saw() {
        let standing = judged(vec![silent()], &ready_at(6)).expect("something is said");
        assert_eq!(standing.reason, Reason::Unreachable);
    }
}
