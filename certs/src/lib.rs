//! Certificates of kubeOP: CAs and the leaves that they sign, how long each is good, and how one takes over from the
//! other without a moment in which a client meets a certificate that it does not trust.
//!
//! No cluster and no clock: what is kept and what time it is are arguments. `rotation` decides; `kept` is the form in
//! which replicas share a CA; `served` is what a TLS server presents.

mod answers;
mod authority;
mod bundle;
mod error;
mod found;
mod held;
pub mod kept;
mod leaf;
mod pair;
pub mod rotation;
mod served;
mod validity;

pub use answers::Answers;
pub use authority::{Authority, CaCertificate};
pub use bundle::Bundle;
pub use error::CertificateError;
pub use found::{Found, SECRET_TYPE};
pub use held::{Fault, Held, Trusted};
pub use leaf::Leaf;
pub use pair::Pair;
pub use served::Served;
pub use validity::{Validity, date};
