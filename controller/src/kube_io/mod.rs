//! The one place that talks to the API server, and the one place that a test replaces.

mod client;
mod definition;
mod error;
pub mod finalizer;
mod resources;
mod tenure;
mod whole;

pub use client::{CALL, KubeCluster};
pub use definition::kind_goes;
pub use error::{CallError, CallKind, FieldConflict, is_of_the_schema};
pub use resources::{Address, Kind, Scope, address, api_resource};
pub use tenure::Tenure;
pub use whole::Whole;

use kube::api::DynamicObject;
use kube::core::ApiResource;
use serde_json::Value;
use std::future::Future;

/// As whom a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The controller itself.
    Controller,
    /// The deployer account of a project namespace.
    Deployer {
        /// The namespace.
        namespace: String,
    },
}

/// As which field manager something is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// What is delivered.
    Delivery,
    /// Holds `spec.replicas` where delivery no longer sets it.
    Handover,
}

/// How something is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applying {
    /// As which field manager.
    pub manager: Manager,
    /// What becomes of fields that somebody else owns.
    pub conflicts: Conflicts,
    /// Whether it changes anything.
    pub effect: Effect,
}

/// How server-side apply treats fields that somebody else owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    /// They are taken over.
    Force,
    /// They are an error.
    Refuse,
}

/// Whether a call changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does.
    Real,
    /// It is only judged.
    DryRun,
}

/// What an object must be for a deletion to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preconditions {
    /// Its uid.
    pub uid: Option<String>,
    /// Its resourceVersion.
    pub resource_version: Option<String>,
}

/// Everything that the controller ever asks of the API server, watches apart.
pub trait Cluster: Send + Sync + 'static {
    /// Reads one object; none if there is none.
    fn get(
        &self,
        who: &Who,
        at: &Address,
    ) -> impl Future<Output = Result<Option<DynamicObject>, CallError>> + Send;

    /// Reads the objects that a label selector matches, in one namespace.
    fn list(
        &self,
        who: &Who,
        resource: &ApiResource,
        namespace: &str,
        selector: &str,
    ) -> impl Future<Output = Result<Vec<DynamicObject>, CallError>> + Send;

    /// Reads one page of the objects of a kind, in one namespace or everywhere: what came `after` the page before.
    /// With it comes what the next page is asked for with; none: there is none.
    fn page(
        &self,
        who: &Who,
        resource: &ApiResource,
        namespace: Option<&str>,
        after: Option<&str>,
    ) -> impl Future<Output = Result<(Vec<DynamicObject>, Option<String>), CallError>> + Send;

    /// Server-side apply.
    fn apply(
        &self,
        who: &Who,
        at: &Address,
        object: &Value,
        how: Applying,
    ) -> impl Future<Output = Result<DynamicObject, CallError>> + Send;

    /// Creates an object.
    fn create(
        &self,
        who: &Who,
        at: &Address,
        object: &Value,
        effect: Effect,
    ) -> impl Future<Output = Result<DynamicObject, CallError>> + Send;

    /// Replaces an object at the resourceVersion that it carries.
    fn replace(
        &self,
        who: &Who,
        at: &Address,
        object: &Value,
    ) -> impl Future<Output = Result<DynamicObject, CallError>> + Send;

    /// Deletes an object and, in the background, what it owns. One that is gone is no error. Returns it if it
    /// is still there, because somebody's finalizer or a grace period holds it.
    fn delete(
        &self,
        who: &Who,
        at: &Address,
        only: &Preconditions,
    ) -> impl Future<Output = Result<Option<DynamicObject>, CallError>> + Send;

    /// Merges fields into an object, or into a subresource of it.
    fn patch(
        &self,
        who: &Who,
        at: &Address,
        subresource: Option<&str>,
        fields: &Value,
    ) -> impl Future<Output = Result<DynamicObject, CallError>> + Send;

    /// Looks a kind up; none if the API server has none.
    fn discover(
        &self,
        api_version: &str,
        kind: &str,
    ) -> impl Future<Output = Result<Option<Kind>, CallError>> + Send;
}
