//! Whether what is delivered would still be admitted: lists may be narrowed under an App that runs.

mod running;

pub use running::Running;

use super::{RecordView, Stated};
use crate::api::conditions::{ConditionStatus, Reason};
use crate::api::project::Enforcement;
use crate::image::{Allowlist, ImageReference, Registries};
use crate::revision::{Digest, Revision};
use std::collections::BTreeSet;

/// What holds today where an App lives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'l> {
    /// The lists of registries.
    pub registries: Registries<'l>,
    /// Whether they are enforced.
    pub enforcement: Enforcement,
    /// Whom to ask; none: the platform team.
    pub contact: Option<&'l str>,
}

impl Rules<'_> {
    /// Tells one set of rules from another: what was judged by these need not be judged again.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let Registries {
            cluster,
            tenant,
            project,
        } = self.registries;
        let list = |list: Option<&Allowlist>| list.map(ToString::to_string);
        let named =
            |level: Option<(&str, &Allowlist)>| level.map(|(name, list)| (name.to_owned(), list.to_string()));
        let said = (
            list(cluster),
            named(tenant),
            named(project),
            self.enforcement,
            self.contact,
        );
        Digest::of_text(&format!("{said:?}"))
    }

    /// What follows from a fault, and what to do about it.
    fn way_out(&self) -> String {
        let what_follows = match self.enforcement {
            Enforcement::Enforce => "What runs goes on, but no new Pod with such an image is admitted",
            Enforcement::Audit => {
                "The project's enforcement is Audit, so new Pods are admitted with a warning"
            }
        };
        format!(
            "{what_follows}. Deliver an image that is in the list, or ask {}.",
            self.contact.unwrap_or("your platform team")
        )
    }
}

/// `Compliant`: every image of the delivered and of the wanted revision is in every list of today. None before
/// anything is wanted. What cannot be read as an image has no place in any list.
#[must_use]
pub fn compliance(record: &RecordView, rules: &Rules<'_>) -> Option<Stated> {
    let RecordView::Present { record, .. } = record else {
        return None;
    };
    let wanted = record.wanted()?;
    let concerned =
        |revision: &&Revision| revision.number == wanted.number || Some(revision.number) == record.delivered;
    let images: BTreeSet<&str> = record
        .history
        .iter()
        .filter(concerned)
        .flat_map(|revision| &revision.images)
        .map(String::as_str)
        .collect();
    let faults: Vec<_> = images
        .into_iter()
        .filter_map(|image| fault(image, rules))
        .collect();
    if faults.is_empty() {
        let message = "every image is in every list that holds today";
        return Some(Stated::new(ConditionStatus::True, Reason::ImagesAllowed, message));
    }
    let message = format!("{}. {}", faults.join("; "), rules.way_out());
    Some(Stated::new(
        ConditionStatus::False,
        Reason::ImageNotAllowed,
        message,
    ))
}

/// What is wrong with an image, as a sentence.
fn fault(image: &str, rules: &Rules<'_>) -> Option<String> {
    match ImageReference::parse(image) {
        Ok(reference) => {
            let refusal = rules.registries.refusing(&reference)?;
            Some(format!("{image:?} {refusal}"))
        }
        Err(error) => Some(format!("{image:?} {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rules, compliance};
    use crate::api::conditions::{ConditionStatus, Reason};
    use crate::api::project::Enforcement;
    use crate::delivery::RecordView;
    use crate::image::{Allowlist, Registries};
    use crate::revision::{Record, Revision, RevisionHash};
    use jiff::Timestamp;

    /// Revision 1 is delivered, revision 2 is wanted; between them stands one that was given up.
    fn record(images: [&str; 3]) -> RecordView {
        let hash = RevisionHash::read(&"0".repeat(64)).unwrap();
        let history = (1..).zip(images).map(|(number, image)| Revision {
            images: vec![image.to_owned()],
            ..Revision::started(number, hash.clone(), Timestamp::UNIX_EPOCH)
        });
        RecordView::Present {
            record: Box::new(Record {
                delivered: Some(1),
                history: history.collect(),
                ..Record::default()
            }),
            resource_version: "1".to_owned(),
        }
    }

    fn said(images: [&str; 3], enforcement: Enforcement) -> (ConditionStatus, Reason, String) {
        let list = Allowlist::parse_comma_separated("ghcr.io/acme").unwrap();
        let rules = Rules {
            registries: Registries {
                project: Some(("web", &list)),
                ..Registries::default()
            },
            enforcement,
            contact: Some("platform@acme.example"),
        };
        let stated = compliance(&record(images), &rules).unwrap();
        (stated.state, stated.reason, stated.message)
    }

    #[test]
    fn s20_images_of_what_is_delivered_and_wanted_are_held_against_the_lists_of_today() {
        let allowed = "ghcr.io/acme/x:1";
        for images in [[allowed; 3], [allowed, "quay.io/acme/x:1", allowed]] {
            let (state, reason, _) = said(images, Enforcement::Enforce);
            assert_eq!((state, reason), (ConditionStatus::True, Reason::ImagesAllowed));
        }
        let (state, reason, message) = said(
            ["quay.io/acme/x:1", allowed, "sha256:01234567"],
            Enforcement::Enforce,
        );
        assert_eq!((state, reason), (ConditionStatus::False, Reason::ImageNotAllowed));
        assert_eq!(
            message,
            "\"quay.io/acme/x:1\" is not in the list of project web (ghcr.io/acme); \"sha256:01234567\" is the id of \
             an image, not a reference: a node would start whatever image it holds under that id, from any registry. \
             What runs goes on, but no new Pod with such an image is admitted. Deliver an image that is in the list, \
             or ask platform@acme.example."
        );
    }

    #[test]
    fn where_nothing_is_refused_the_message_says_so() {
        let (state, _, message) = said(["quay.io/x"; 3], Enforcement::Audit);
        assert_eq!(state, ConditionStatus::False);
        assert!(
            message.contains("Audit, so new Pods are admitted with a warning"),
            "{message}"
        );
    }

    #[test]
    fn before_anything_is_wanted_nothing_is_said() {
        assert_eq!(compliance(&RecordView::Absent, &Rules::default()), None);
        let empty = RecordView::Present {
            record: Box::default(),
            resource_version: "1".to_owned(),
        };
        assert_eq!(compliance(&empty, &Rules::default()), None);
    }
}
