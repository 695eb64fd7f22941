//! Which of many causes is told.

use super::Cause;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A Pod that is not ready, or the attempt to create one, and where it stands among the others of its workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which form of the template it belongs to: [`super::Origin::template`].
    pub template: String,
    /// Since when there is such a Pod, or the attempt to make one.
    pub since: Timestamp,
    /// Name of the Pod, or of what should create it.
    pub name: String,
    /// The cause; none where nothing says why, as while a Pod starts.
    pub cause: Option<Cause>,
}

/// The most telling of the causes of one workload. In a rollout the newest template speaks: that its older Pods are
/// in trouble is why it is rolled out. Of equal ones always the same is told.
#[must_use]
pub fn most_telling(troubles: &[Trouble]) -> Option<&Cause> {
    let mut since: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for trouble in troubles {
        let first = since.entry(&trouble.template).or_insert(trouble.since);
        *first = trouble.since.min(*first);
    }
    let (newest, _) = since.into_iter().max_by_key(|(_, since)| *since)?;
    let causes = troubles
        .iter()
        .filter(|trouble| trouble.template == newest)
        .filter_map(|trouble| Some((trouble, trouble.cause.as_ref()?)));
    let (_, cause) = causes.min_by_key(|(trouble, cause)| (cause.kind, &trouble.name))?;
    Some(cause)
}

#[cfg(test)]
mod tests {
    use super::super::{Cause, CauseKind};
    use super::{Trouble, most_telling};
    use CauseKind::{Crash, Image, NotReady, Quota};
    use rstest::rstest;

    fn trouble(template: &str, since: i64, name: &str, kind: CauseKind) -> Trouble {
        Trouble {
            template: template.to_owned(),
            since: jiff::Timestamp::from_second(since).unwrap(),
            name: name.to_owned(),
            cause: Some(Cause::new(kind, name, None)),
        }
    }

    fn coming(template: &str, since: i64) -> Trouble {
        Trouble {
            cause: None,
            ..trouble(template, since, "coming", NotReady)
        }
    }

    #[rstest]
    #[case::nothing(vec![], None)]
    #[case::the_new_pods_speak(vec![trouble("old", 1, "a", Image), trouble("new", 2, "b", NotReady)], Some("b"))]
    #[case::that_no_pod_can_be_created_comes_first(
        vec![trouble("new", 2, "a", Crash), trouble("new", 2, "b", Quota)], Some("b"))]
    #[case::an_old_template_that_cannot_create_is_not_the_cause(
        vec![trouble("old", 1, "a", Quota), trouble("new", 2, "b", Crash)], Some("b"))]
    #[case::while_new_pods_start_the_old_ones_say_nothing(
        vec![trouble("old", 1, "a", Quota), coming("new", 2)], None)]
    #[case::a_pod_that_starts_hides_no_other(vec![coming("new", 2), trouble("new", 2, "b", Crash)], Some("b"))]
    #[case::an_old_pod_that_was_made_again_is_still_old(
        vec![trouble("old", 1, "a", Crash), trouble("old", 9, "b", Crash), trouble("new", 2, "c", Crash)], Some("c"))]
    #[case::of_equals_always_the_same(
        vec![trouble("new", 3, "b", Crash), trouble("new", 2, "a", Crash)], Some("a"))]
    fn is_told(#[case] troubles: Vec<Trouble>, #[case] told: Option<&str>) {
        assert_eq!(most_telling(&troubles).map(|cause| cause.text.as_str()), told);
        let reversed: Vec<Trouble> = troubles.iter().rev().cloned().collect();
        assert_eq!(most_telling(&reversed).map(|cause| cause.text.as_str()), told);
    }
}
