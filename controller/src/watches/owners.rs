//! What is kept of Tenants and Projects, their namespaces, and what they keep there; and whom its news concern.

use super::{Concerns, Sink};
use crate::world::{
    Cache, LiveKey, Packed, PartView, World, digest_namespace, digest_part, digest_project, digest_tenant,
};
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::ApiResource;
use kubeop_shared::api::names;

/// Projects as they are, for those who look after them.
pub(super) struct ProjectObjects;

impl Sink for ProjectObjects {
    type Key = String;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.project_objects
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &String, _: Option<&Packed>) -> Vec<Concerns> {
        vec![Concerns::Project(key.clone())]
    }
}

/// What Apps need to know of Projects.
pub(super) struct Projects;

impl Sink for Projects {
    type Key = String;
    type Value = crate::world::ProjectView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.projects
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        digest_project(object)
    }
    fn concerns(&self, key: &String, value: Option<&Self::Value>) -> Vec<Concerns> {
        let Some(project) = value else {
            return Vec::new();
        };
        // From now on it is told of the end of each of its Apps; one may have ended before.
        let ends = project.deleting.then(|| Concerns::Project(key.clone()));
        let owners = [
            Concerns::Namespace(project.namespace.clone()),
            // It may wait for the last of its Projects.
            Concerns::Tenant(project.tenant.clone()),
        ];
        owners.into_iter().chain(ends).collect()
    }
}

/// Tenants as they are, for those who look after them.
pub(super) struct TenantObjects;

impl Sink for TenantObjects {
    type Key = String;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.tenant_objects
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &String, _: Option<&Packed>) -> Vec<Concerns> {
        vec![Concerns::Tenant(key.clone())]
    }
}

/// What others need to know of Tenants.
pub(super) struct Tenants;

impl Sink for Tenants {
    type Key = String;
    type Value = crate::world::TenantView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.tenants
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        digest_tenant(object)
    }
    fn concerns(&self, key: &String, _: Option<&Self::Value>) -> Vec<Concerns> {
        vec![Concerns::OfTenant(key.clone())]
    }
}

/// What Projects keep in their namespaces, of one kind.
pub(super) struct Parts(pub(super) ApiResource);

impl Sink for Parts {
    type Key = LiveKey;
    type Value = PartView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.parts
    }
    fn key(&self, object: &DynamicObject) -> Option<LiveKey> {
        let name = object.name_any();
        // Accounts that people made carry the label of their namespace, too.
        if !names::PARTS.contains(&name.as_str()) {
            return None;
        }
        let ApiResource {
            group, version, kind, ..
        } = &self.0;
        Some(LiveKey::of(&object.namespace()?, group, version, kind, &name))
    }
    fn value(&self, object: &DynamicObject) -> Option<PartView> {
        digest_part(object)
    }
    fn owns(&self, key: &LiveKey) -> bool {
        let ApiResource {
            group, version, kind, ..
        } = &self.0;
        key.is_of(group, version, kind)
    }
    fn concerns(&self, _: &LiveKey, value: Option<&PartView>) -> Vec<Concerns> {
        let project = value.map(|part| Concerns::Project(part.project.clone()));
        project.into_iter().collect()
    }
}

pub(super) struct Namespaces;

impl Sink for Namespaces {
    type Key = String;
    type Value = crate::world::NamespaceView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.namespaces
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        Some(digest_namespace(object))
    }
    fn concerns(&self, key: &String, value: Option<&Self::Value>) -> Vec<Concerns> {
        let project = value
            .and_then(|namespace| namespace.project.clone())
            .map(Concerns::Project);
        std::iter::once(Concerns::Namespace(key.clone()))
            .chain(project)
            .collect()
    }
}
