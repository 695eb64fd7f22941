//! The admission server of kubeOP: TLS in, review in, rules, review out.
//!
//! `review` reads and answers; `world` is all that the server knows; `server` and `connection` hold the limits, `drain`
//! the way out; `metrics` counts; `tls` is the certificate that is served. `check` asks the same rules about files. The
//! rules themselves are `kubeop_shared::admission`.

pub mod check;
pub mod config;
mod connection;
pub mod depth;
mod drain;
mod facts;
mod metrics;
pub mod review;
pub mod server;
pub mod tls;
pub mod world;
