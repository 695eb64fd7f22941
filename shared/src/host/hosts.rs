//! The lists that hold in one place: the Tenant's and the Project's. A host must lie in every one that is given.

use super::HostSuffixes;
use crate::level::Level;
use std::fmt;

/// The lists of one place; none: no list at that level.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hosts<'l> {
    /// The Tenant's, with its name.
    pub tenant: Option<(&'l str, &'l HostSuffixes)>,
    /// The Project's, which narrows, with its name.
    pub project: Option<(&'l str, &'l HostSuffixes)>,
}

/// What the lists say about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostVerdict<'l> {
    /// It lies in every list.
    Allowed,
    /// It does not.
    Refused(NotUnder<'l>),
    /// No list is given at any level: nobody said which hosts are this project's.
    Unbounded,
}

/// The list that a host does not lie in. Reads as a clause: `is not under a host of project web (acme.example)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnder<'l> {
    /// Whose list it is.
    pub level: Level<'l>,
    /// The list.
    pub list: &'l HostSuffixes,
}

impl<'l> Hosts<'l> {
    /// What the lists say about a host, as it is written: of any case, with or without the trailing dot, perhaps
    /// with `*.` before it. Where several refuse, the widest is named.
    #[must_use]
    pub fn judge(&self, host: &str) -> HostVerdict<'l> {
        let mut verdict = HostVerdict::Unbounded;
        for NotUnder { level, list } in self.lists() {
            if !list.cover(host) {
                return HostVerdict::Refused(NotUnder { level, list });
            }
            verdict = HostVerdict::Allowed;
        }
        verdict
    }

    /// What the lists say about a route that takes every host: no list covers that.
    #[must_use]
    pub fn judge_every_host(&self) -> HostVerdict<'l> {
        self.lists()
            .next()
            .map_or(HostVerdict::Unbounded, HostVerdict::Refused)
    }

    /// The lists that are given, the widest first.
    fn lists(&self) -> impl Iterator<Item = NotUnder<'l>> {
        let tenant = self.tenant.map(|(name, list)| (Level::Tenant(name), list));
        let project = self.project.map(|(name, list)| (Level::Project(name), list));
        tenant
            .into_iter()
            .chain(project)
            .map(|(level, list)| NotUnder { level, list })
    }
}

impl fmt::Display for NotUnder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not under a host of {} ({})", self.level, self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::{HostVerdict, Hosts};
    use crate::host::HostSuffixes;
    use crate::level::Level;
    use rstest::rstest;

    const TENANT: Option<Level<'_>> = Some(Level::Tenant("acme"));
    const PROJECT: Option<Level<'_>> = Some(Level::Project("web"));

    fn list(text: &str) -> Option<HostSuffixes> {
        let entries: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        HostSuffixes::narrowing(&entries)
    }

    fn level(verdict: HostVerdict<'_>) -> Option<Level<'_>> {
        match verdict {
            HostVerdict::Refused(not_under) => Some(not_under.level),
            HostVerdict::Allowed | HostVerdict::Unbounded => None,
        }
    }

    #[rstest]
    #[case::both_cover("acme.example", "pay.acme.example", "pay.acme.example", None)]
    #[case::the_project_narrows("acme.example", "pay.acme.example", "shop.acme.example", PROJECT)]
    #[case::the_project_never_widens("acme.example", "acme.example other.example", "other.example", TENANT)]
    #[case::the_widest_is_named("acme.example", "pay.acme.example", "evil.example", TENANT)]
    #[case::an_empty_list_does_not_narrow("acme.example", "", "pay.acme.example", None)]
    #[case::a_project_alone("", "pay.acme.example", "shop.acme.example", PROJECT)]
    fn a_host_lies_in_every_list_that_is_given(
        #[case] tenant: &str,
        #[case] project: &str,
        #[case] host: &str,
        #[case] refused_by: Option<Level<'_>>,
    ) {
        let (tenant, project) = (list(tenant), list(project));
        let hosts = Hosts {
            tenant: tenant.as_ref().map(|list| ("acme", list)),
            project: project.as_ref().map(|list| ("web", list)),
        };
        let verdict = hosts.judge(host);
        assert_eq!(level(verdict), refused_by);
        assert_ne!(verdict, HostVerdict::Unbounded);
        assert!(level(hosts.judge_every_host()).is_some());
    }

    #[test]
    fn without_any_list_nothing_is_bounded() {
        assert_eq!(Hosts::default().judge("x.example"), HostVerdict::Unbounded);
        assert_eq!(Hosts::default().judge_every_host(), HostVerdict::Unbounded);
    }

    #[test]
    fn a_refusal_names_level_and_list() {
        let project = list("pay.acme.example *.shop.example").unwrap();
        let hosts = Hosts {
            tenant: None,
            project: Some(("web", &project)),
        };
        let HostVerdict::Refused(not_under) = hosts.judge("x.example") else {
            panic!("not refused")
        };
        assert_eq!(
            not_under.to_string(),
            "is not under a host of project web (pay.acme.example, *.shop.example)"
        );
    }
}
