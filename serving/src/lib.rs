//! HTTPS as both programs serve it.
//!
//! `door` takes connections and `connection` serves one to its end: how long its client may take, and how it parts.
//! `body` reads what a client sends, within limits. `drain` is the way out. `supplied` is a certificate that somebody else
//! makes, and `expiry` warns of any that comes to its end. What is served is the programs' own affair.

mod body;
mod certificate;
mod connection;
mod door;
mod drain;
mod expiry;
mod supplied;

pub use body::{Bodies, BodyError, Whole};
pub use certificate::CertificateState;
pub use connection::{Patience, TOO_SLOW, WHOLE};
pub use door::Door;
pub use drain::{Asked, Stage, Stages, UNDER_WAY, comes};
pub use expiry::Warner;
pub use supplied::{SuppliedError, read_supplied, serve_supplied};
