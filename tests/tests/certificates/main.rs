//! Certificates with both programs on a real API server: what the Secret holds, who may have it, and clients that trust
//! nothing but its `ca.crt`.

mod apps;
mod cert_manager;
mod handshake;
mod life;
mod owners;
mod rotation;
mod seed;
mod support;
