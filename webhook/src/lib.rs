//! The admission server of kubeOP: TLS in, review in, rules, review out.
//!
//! `review` reads and answers; `world` is all that the server knows; `server` is what is served, by the limits of
//! `kubeop_serving`; `metrics` counts; `tls` is the certificate that is served. `check` asks the same rules about files.
//! The rules themselves are `kubeop_shared::admission`.

pub mod check;
pub mod config;
pub mod depth;
mod facts;
mod metrics;
pub mod review;
pub mod server;
pub mod tls;
pub mod world;
