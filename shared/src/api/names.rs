//! Labels, annotations, finalizers, field managers and object names that kubeOP writes or reads.

/// API group of kubeOP's kinds.
pub const GROUP: &str = "platform.kubeop.io";
/// API version of kubeOP's kinds.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of kubeOP's kinds.
pub const API_VERSION: &str = "platform.kubeop.io/v1alpha1";

/// Ownership label: uid of the cluster's `kube-system` namespace, unless configured.
pub const LABEL_CLUSTER_ID: &str = "app.kubeop.io/cluster-id";
/// Ownership label: name of the Tenant.
pub const LABEL_TENANT_ID: &str = "app.kubeop.io/tenant-id";
/// Ownership label: name of the Project. On a Namespace it makes that a project namespace.
pub const LABEL_PROJECT_ID: &str = "app.kubeop.io/project-id";
/// Ownership label: name of the App.
pub const LABEL_APP_ID: &str = "app.kubeop.io/app-id";

/// Label of hook Jobs: the hook's name.
pub const LABEL_HOOK: &str = "platform.kubeop.io/hook";
/// Label of the Pods of hooks: the App. They carry no `app-id`, so that no Service leads to them.
pub const LABEL_HOOK_OF: &str = "platform.kubeop.io/hook-of";
/// Label of hook Jobs: `pre` or `post`.
pub const LABEL_HOOK_PHASE: &str = "platform.kubeop.io/hook-phase";
/// Annotation on delivered objects and hook Jobs: the revision's full hash. Never in a pod template.
pub const ANNOTATION_REVISION: &str = "platform.kubeop.io/revision";
/// Annotation of hook Jobs: which attempt it is, counted from 1.
pub const ANNOTATION_ATTEMPT: &str = "platform.kubeop.io/attempt";
/// Request annotation: a new value starts failed hooks again.
pub const ANNOTATION_RETRY_HOOKS: &str = "platform.kubeop.io/retry-hooks";
/// Request annotation: delivery goes on without the failed hook that it names.
pub const ANNOTATION_SKIP_HOOK: &str = "platform.kubeop.io/skip-hook";
/// Request annotation: delivery goes back to the kept revision that it names, and stays there.
pub const ANNOTATION_ROLLBACK_TO: &str = "platform.kubeop.io/rollback-to";
/// Annotation of an App: while it is there, no new revision is admitted. Its value says why.
pub const ANNOTATION_FREEZE: &str = "platform.kubeop.io/freeze";
/// Annotation by which a Namespace agrees to be adopted by the Project that it names.
pub const ANNOTATION_ADOPT: &str = "platform.kubeop.io/adopt";
/// Annotation of a Project or a Tenant: while it is `"true"`, its deletion is refused.
pub const ANNOTATION_PROTECT: &str = "platform.kubeop.io/protect";
/// Annotation that a person gives a change, kept in the revision history.
pub const ANNOTATION_CHANGE_CAUSE: &str = "platform.kubeop.io/change-cause";
/// Stamp on an App: the user who changed its spec last. Admission writes it, and nobody else can.
pub const ANNOTATION_AUTHOR: &str = "platform.kubeop.io/author";
/// Stamp on an App: it was brought back from a backup, and its spec has not changed since.
pub const ANNOTATION_RESTORED: &str = "platform.kubeop.io/restored";
/// Stamp on an App: the full hash of the revision that its spec is.
pub const ANNOTATION_REVISION_HASH: &str = "platform.kubeop.io/revision-hash";
/// Stamp on an App: version of the canonical form of which that is the hash.
pub const ANNOTATION_HASH_VERSION: &str = "platform.kubeop.io/hash-version";
/// Annotation by which an App takes over fields that another manager holds.
pub const ANNOTATION_FORCE_CONFLICTS: &str = "platform.kubeop.io/force-conflicts";

/// Label by which the owner of a registry Secret agrees that Projects mirror it, where `"true"`.
pub const LABEL_MIRROR: &str = "platform.kubeop.io/mirror";
/// Annotation of such a Secret: the Tenants, separated by commas, whose Projects may; absent: all.
pub const ANNOTATION_TENANTS: &str = "platform.kubeop.io/tenants";
/// Annotation of a `DNSRecord`: the host that kubeOP writes for it in a zone. It comes before the write and outlives a
/// restore, so that no record is left behind in the zone.
pub const ANNOTATION_PUBLISHED_HOST: &str = "platform.kubeop.io/published-host";

/// Label of Secrets that kubeOP mirrors into a project namespace: namespace of the source, which has the same name.
pub const LABEL_MIRROR_OF: &str = "platform.kubeop.io/mirror-of";

/// Label of Secrets that hold what a Certificate asks for, and of what is asked of cert-manager for it.
pub const LABEL_CERTIFICATE: &str = "platform.kubeop.io/certificate";
/// `ClusterRole` by which the controller keeps such Secrets, and its binding in each namespace that has a Certificate.
pub const CERTIFICATES: &str = "kubeop-certificates";
/// Secret in kubeOP's own namespace with the CA that signs what Certificates ask for.
pub const ISSUER_CA: &str = "kubeop-issuer-ca";
/// Service of the manager API in kubeOP's own namespace, and ConfigMap there with the CAs that its clients trust.
pub const MANAGER_API: &str = "kubeop-manager-api";

/// Annotation of a delivered object: `"false"` keeps it when it is no longer asked for; `"true"` lets a
/// `PersistentVolumeClaim` go, which otherwise is kept.
pub const ANNOTATION_PRUNE: &str = "platform.kubeop.io/prune";

/// Annotation on what creates Pods: when its controller was made to try again.
pub const ANNOTATION_TOUCHED: &str = "platform.kubeop.io/touched";

/// Finalizer of kubeOP on Apps, Projects, Tenants, DNSRecords, revision records and hook Jobs.
pub const FINALIZER: &str = "platform.kubeop.io/finalizer";
/// Field manager of everything that kubeOP delivers.
pub const FIELD_MANAGER: &str = "kubeop";
/// Field manager to which `spec.replicas` goes before delivery stops setting it, so that the number stays.
pub const HANDOVER_MANAGER: &str = "kubeop-handover";
/// Namespace that kubeOP itself runs in.
pub const SYSTEM_NAMESPACE: &str = "kubeop-system";
/// ServiceAccount of the controller, in that namespace.
pub const CONTROLLER: &str = "kubeop-controller";
/// ServiceAccount in each project namespace as which Apps are delivered.
pub const DEPLOYER: &str = "kubeop-deployer";
/// `ClusterRole` by which the controller may act as that account, and its binding in each project namespace.
pub const IMPERSONATE_DEPLOYER: &str = "kubeop-impersonate-deployer";
/// Quota, limit range and binding of the members in each project namespace.
pub const KEPT: &str = "kubeop";
/// Names of all that a Project keeps in its namespace.
pub const PARTS: [&str; 3] = [DEPLOYER, IMPERSONATE_DEPLOYER, KEPT];
/// Label of the `ClusterRoles` that add to what the deployer account may do, where `"true"`.
pub const LABEL_AGGREGATE: &str = "platform.kubeop.io/aggregate-to-deployer";
/// Pod Security Admission: the level that is enforced in a namespace.
pub const LABEL_POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";

/// Name of the ConfigMap that holds the revision record of an App.
#[must_use]
pub fn record_name(app: &str) -> String {
    format!("kubeop-revision-{app}")
}

/// Name of the Secret that holds what a revision says.
#[must_use]
pub fn stored_name(app: &str, revision: u64) -> String {
    format!("kubeop-revision-{app}-{revision}")
}

/// The command by which a person asks something of an App by annotation, for messages.
#[must_use]
pub fn request_command(namespace: &str, app: &str, annotation: &str, value: &str) -> String {
    format!("kubectl annotate --overwrite -n {namespace} apps.{GROUP}/{app} {annotation}={value}")
}
