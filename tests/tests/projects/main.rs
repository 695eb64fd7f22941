//! Projects and Tenants from their making to their end, with both programs on a real API server.

mod credentials;
mod ending;
mod owners;
mod parts;
mod running;
mod support;
mod uninstall;
