//! `hooks`: Jobs that run once per revision.

use crate::api::{core_schema, words};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Jobs that run once per revision.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hooks {
    /// Run one after the other before anything is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub pre: Option<Vec<Hook>>,
    /// Run one after the other once everything is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub post: Option<Vec<Hook>>,
    /// What is delivered before the pre hooks. Default `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HookNeeds")]
    pub needs: Option<HookNeeds>,
}

/// What is delivered before the pre hooks.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum HookNeeds {
    /// Nothing.
    #[default]
    None,
    /// Accounts, Roles and configuration.
    Config,
}

/// One hook: a Job of one container.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Name, unique in its phase.
    #[schemars(schema_with = "words::label_63")]
    pub name: String,
    /// Image reference.
    #[schemars(length(min = 1))]
    pub image: String,
    /// Entrypoint, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub command: Option<Vec<String>>,
    /// Arguments, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub args: Option<Vec<String>>,
    /// Environment, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::env")]
    pub env: Option<Vec<Value>>,
    /// Environment from ConfigMaps and Secrets, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::env_from")]
    pub env_from: Option<Vec<Value>>,
    /// Volumes, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::volumes")]
    pub volumes: Option<Vec<Value>>,
    /// Volume mounts, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::volume_mounts")]
    pub volume_mounts: Option<Vec<Value>>,
    /// Resources, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resource_requirements")]
    pub resources: Option<Value>,
    /// ServiceAccount of the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
    pub service_account_name: Option<String>,
    /// Seconds until the hook has failed. Default 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<i64>,
    /// How often the Job starts a failed Pod again. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub backoff_limit: Option<i32>,
    /// Keeps the last lines of output out of conditions and Events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide_output: Option<bool>,
}
