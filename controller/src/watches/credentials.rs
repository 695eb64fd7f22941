//! Registry Secrets that may be mirrored, their mirrors, and the accounts that name these. Of Secrets only metadata come.

use super::{Concerns, Sink, key_of};
use crate::world::{AccountView, Cache, MirrorView, NamespacedName, World};
use kube::ResourceExt;
use kube::api::DynamicObject;

/// Secrets whose owners agree that they are mirrored.
pub(super) struct Sources;

impl Sink for Sources {
    type Key = NamespacedName;
    type Value = Box<str>;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.sources
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Box<str>> {
        Some(object.resource_version().unwrap_or_default().into())
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Box<str>>) -> Vec<Concerns> {
        vec![Concerns::Source(key.clone())]
    }
}

/// What was made of them.
pub(super) struct Mirrors;

impl Sink for Mirrors {
    type Key = NamespacedName;
    type Value = MirrorView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.mirrors
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<MirrorView> {
        MirrorView::of(object)
    }
    fn concerns(&self, _: &NamespacedName, value: Option<&MirrorView>) -> Vec<Concerns> {
        let project = value.map(|mirror| Concerns::Project(mirror.project.to_string()));
        project.into_iter().collect()
    }
}

/// Accounts, some of which are to name mirrors.
pub(super) struct Accounts;

impl Sink for Accounts {
    type Key = NamespacedName;
    type Value = AccountView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.accounts
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<AccountView> {
        Some(AccountView::of(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&AccountView>) -> Vec<Concerns> {
        vec![Concerns::Accounts(key.namespace.clone())]
    }
}
