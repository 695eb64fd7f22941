//! Codes of refusals: one enum, from which the reference page is made.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Why something is refused. The code stands in brackets before the path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All codes, as they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the code means, in the words of its declaration.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// The code as it is written in a refusal.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

codes! {
    /// The image's registry or repository is not in a list that holds here: the cluster's, the Tenant's or the Project's.
    ImageNotAllowed,
    /// The text is no image reference, so no list can match it.
    ImageUnreadable,
    /// The text names an image by its id: a node would run it from its own store, whatever registry it came from.
    ImageId,
    /// A host of a DNSRecord, a Certificate or a route is not under an entry of a list that holds here: `hosts` of the
    /// Tenant or of the Project.
    HostNotAllowed,
    /// An App stands in a namespace that is not its Project's.
    WrongNamespace,
    /// The Project that an App names does not exist.
    ProjectNotFound,
    /// The Tenant that a Project names does not exist.
    TenantNotFound,
    /// A new App in a Project that is being deleted.
    ProjectDeleting,
    /// A Project that is new to a Tenant that is being deleted.
    TenantDeleting,
    /// The deletion of a Project or a Tenant that carries the annotation `platform.kubeop.io/protect: "true"`.
    Protected,
    /// An ownership label says something else than the namespace does.
    ForeignLabel,
    /// An object without a name of its own: it would be another one at each delivery.
    GenerateName,
    /// A manifest cannot be read as kubectl reads it, or something in it would be lost in silence.
    ManifestUnreadable,
    /// A manifest is no Kubernetes object.
    ManifestNotAnObject,
    /// A manifest of kubeOP's own group inside an App.
    OwnKind,
    /// A manifest names another namespace than the App's.
    OtherNamespace,
    /// A manifest of a kind that belongs to no namespace.
    ClusterScoped,
    /// A manifest that Helm would run as a hook.
    HelmHook,
    /// A manifest that Argo CD would run as a hook.
    ArgoHook,
    /// Two manifests are the same object: each would undo the other.
    GivenTwice,
    /// A request to go on without a hook that did not fail for the revision that is wanted.
    HookNotFailed,
    /// A request to roll back to a revision that is not kept, or before anything that succeeded.
    RevisionNotKept,
    /// A request to roll back that may mean more than one kept revision.
    RevisionAmbiguous,
    /// A new revision of an App that carries the annotation `platform.kubeop.io/freeze`.
    Frozen,
    /// An entry of an allowlist that cannot be read.
    AllowlistEntry,
    /// The object does not have the form of its kind.
    ObjectUnreadable,
    /// The request is nested deeper than 128 levels.
    TooDeep,
    /// Only kubeOP writes this: labels by which a Namespace is a project's, revision records, hook Jobs, mirrored
    /// Secrets, tokens of the deployer account. Refused by policies of the API server, not by the webhook.
    Reserved,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
