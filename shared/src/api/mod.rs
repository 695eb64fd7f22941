//! The five custom resources, one file each, and the names that kubeOP writes on objects.

pub mod app;
pub mod certificate;
pub mod conditions;
mod core_schema;
pub mod crd;
pub mod dns;
pub mod dns_record;
pub mod names;
pub mod project;
pub mod quantity;
pub mod standing;
pub mod tenant;
mod words;

pub use app::{App, AppSpec, AppStatus};
pub use certificate::{Certificate, CertificateSpec, CertificateStatus};
pub use dns_record::{DnsAnswer, DnsRecord, DnsRecordSpec, DnsRecordStatus};
pub use project::{Project, ProjectSpec, ProjectStatus};
pub use standing::Standing;
pub use tenant::{Tenant, TenantSpec, TenantStatus};
