//! What only kubeOP may write, and who is told so: the API server's own policies, on a real control plane.

mod free;
mod kept;
mod namespaces;
mod policies;
mod support;
