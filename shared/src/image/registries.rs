//! The lists that hold in one place: the cluster's, the Tenant's and the Project's. An image must be in every one
//! that is given.

use super::{Allowlist, ImageReference};
use crate::level::Level;
use std::fmt;

/// The lists of one place; none: no list at that level.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registries<'l> {
    /// The cluster's.
    pub cluster: Option<&'l Allowlist>,
    /// The Tenant's, which narrows, with its name.
    pub tenant: Option<(&'l str, &'l Allowlist)>,
    /// The Project's, which narrows, with its name.
    pub project: Option<(&'l str, &'l Allowlist)>,
}

/// The list that an image is not in. Reads as a clause: `is not in the list of project web (ghcr.io/acme)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotListed<'l> {
    /// Whose list it is.
    pub level: Level<'l>,
    /// The list.
    pub list: &'l Allowlist,
}

impl<'l> Registries<'l> {
    /// The widest list that does not have the image; none if it is in all of them.
    pub fn refusing(&self, image: &ImageReference<'_>) -> Option<NotListed<'l>> {
        let tenant = self.tenant.map(|(name, list)| (Level::Tenant(name), list));
        let project = self.project.map(|(name, list)| (Level::Project(name), list));
        self.cluster
            .map(|list| (Level::Cluster, list))
            .into_iter()
            .chain(tenant)
            .chain(project)
            .find(|(_, list)| !list.allows(image))
            .map(|(level, list)| NotListed { level, list })
    }
}

impl fmt::Display for NotListed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not in the list of {} ({})", self.level, self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::Registries;
    use crate::image::{Allowlist, ImageReference};
    use crate::level::Level;

    #[test]
    fn the_widest_list_that_says_no_is_named() {
        let list = |text| Allowlist::parse_comma_separated(text).unwrap();
        let (cluster, tenant, project) = (list("ghcr.io,quay.io"), list("ghcr.io"), list("ghcr.io/acme"));
        let registries = Registries {
            cluster: Some(&cluster),
            tenant: Some(("acme", &tenant)),
            project: Some(("web", &project)),
        };
        let level = |text| {
            let image = ImageReference::parse(text).unwrap();
            registries.refusing(&image).map(|refusal| refusal.level)
        };
        assert_eq!(level("ghcr.io/acme/x"), None);
        assert_eq!(level("ghcr.io/x"), Some(Level::Project("web")));
        assert_eq!(level("quay.io/acme/x"), Some(Level::Tenant("acme")));
        assert_eq!(level("docker.io/acme/x"), Some(Level::Cluster));
        let image = ImageReference::parse("evil.example/x").unwrap();
        assert_eq!(Registries::default().refusing(&image), None);
    }
}
