//! Who an object belongs to, as labels.

use crate::api::names;
use std::collections::BTreeMap;

/// The owners of an App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Cluster id.
    pub cluster: String,
    /// Tenant.
    pub tenant: String,
    /// Project.
    pub project: String,
    /// App.
    pub app: String,
    /// Namespace of the Project.
    pub namespace: String,
}

impl Ownership {
    /// All four ownership labels, for the metadata of an object.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([
            (names::LABEL_CLUSTER_ID, self.cluster.as_str()),
            (names::LABEL_TENANT_ID, self.tenant.as_str()),
            (names::LABEL_PROJECT_ID, self.project.as_str()),
            (names::LABEL_APP_ID, self.app.as_str()),
        ])
    }

    /// Those labels that stand in a pod template: the ones that can never change. Cluster and Tenant may
    /// (a restore, a Project that moves), and that must restart no Pod; admission puts them on Pods when
    /// these are created.
    #[must_use]
    pub fn template_labels(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([
            (names::LABEL_PROJECT_ID, self.project.as_str()),
            (names::LABEL_APP_ID, self.app.as_str()),
        ])
    }

    /// What selects the Pods of the App. Pods of hooks lack this label, so that no Service leads to them.
    #[must_use]
    pub fn selector(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([(names::LABEL_APP_ID, self.app.as_str())])
    }
}
