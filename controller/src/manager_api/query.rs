//! The part of a URL behind the question mark. What is not known is refused: `?dryrun=true` must not apply.

use super::problem::Refusal;
use crate::kube_io::{Conflicts, Effect};
use std::collections::BTreeMap;

/// Name of the parameter by which nothing is changed.
pub(super) const DRY_RUN: &str = "dryRun";
/// Name of the parameter by which fields of others are taken over.
pub(super) const FORCE: &str = "force";
/// Name of the parameter that says how many come at once.
pub(super) const LIMIT: &str = "limit";
/// Name of the parameter that asks for what comes next.
pub(super) const CONTINUE: &str = "continue";
/// Name of the parameter that names a namespace.
pub(super) const NAMESPACE: &str = "namespace";

/// How many come at once where nothing is said, and at most.
pub(super) const LIMITS: (u32, u32) = (100, 500);

/// What a query says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads one in which only these names may stand, each once.
    pub(super) fn read(text: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut said = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let known = match known {
                    [] => "None is known here".to_owned(),
                    known => format!("Known here: {}", known.join(", ")),
                };
                return Err(Refusal::bad_request(format!(
                    "there is no parameter {name:?}. {known}."
                )));
            }
            if said.insert(name.to_string(), value.into_owned()).is_some() {
                let twice = format!("parameter {name:?} is given twice. Give it once.");
                return Err(Refusal::bad_request(twice));
            }
        }
        Ok(Self(said))
    }

    /// What is said under a name; nothing where it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Whether anything is to be changed.
    pub(super) fn effect(&self) -> Result<Effect, Refusal> {
        self.choice(DRY_RUN, Effect::Real, Effect::DryRun)
    }

    /// What becomes of fields that others own.
    pub(super) fn conflicts(&self) -> Result<Conflicts, Refusal> {
        self.choice(FORCE, Conflicts::Refuse, Conflicts::Force)
    }

    /// How many are to come at once.
    pub(super) fn limit(&self) -> Result<u32, Refusal> {
        let (usual, most) = LIMITS;
        let Some(text) = self.0.get(LIMIT) else {
            return Ok(usual);
        };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Refusal::bad_request(format!("{LIMIT}={text:?} is no number from 1 to {most}.")))
    }

    fn choice<T>(&self, name: &str, no: T, yes: T) -> Result<T, Refusal> {
        match self.0.get(name).map(String::as_str) {
            None | Some("false") => Ok(no),
            Some("true") => Ok(yes),
            Some(other) => {
                let error = format!("{name}={other:?} is neither true nor false.");
                Err(Refusal::bad_request(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTINUE, DRY_RUN, FORCE, LIMIT, Query};
    use crate::kube_io::{Conflicts, Effect};

    fn read(text: &str) -> Query {
        Query::read(Some(text), &[DRY_RUN, FORCE, LIMIT, CONTINUE]).unwrap()
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        for (text, wanted) in [
            ("dryrun=true", "\"dryrun\". Known here: dryRun, force."),
            ("dryRun=true&dryRun=false", "given twice"),
        ] {
            let refusal = Query::read(Some(text), &[DRY_RUN, FORCE]).unwrap_err();
            assert!(
                format!("{refusal:?}").replace('\\', "").contains(wanted),
                "{refusal:?}"
            );
        }
        let refusal = Query::read(Some("a"), &[]).unwrap_err();
        assert!(
            format!("{refusal:?}").contains("None is known here"),
            "{refusal:?}"
        );
    }

    #[test]
    fn nothing_is_changed_or_taken_unless_that_is_said() {
        let said = |text| {
            let query = read(text);
            (query.effect(), query.conflicts())
        };
        assert_eq!(said(""), (Ok(Effect::Real), Ok(Conflicts::Refuse)));
        assert_eq!(said("dryRun=false&force=false"), said(""));
        assert_eq!(
            said("dryRun=true&force=true"),
            (Ok(Effect::DryRun), Ok(Conflicts::Force))
        );
        assert!(read("dryRun=yes").effect().is_err() && read("dryRun=").effect().is_err());
    }

    #[test]
    fn a_page_has_its_bounds() {
        assert_eq!(read("").limit(), Ok(100));
        assert_eq!(read("limit=500&continue=a%20b").limit(), Ok(500));
        assert_eq!(read("continue=a%20b").text(CONTINUE), Some("a b"));
        for text in ["limit=0", "limit=501", "limit=", "limit=-1", "limit=x"] {
            assert!(read(text).limit().is_err(), "{text}");
        }
    }
}
