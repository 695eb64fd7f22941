//! kubeOP under GitOps tools: what Argo CD is taught (`manifests/gitops`), and what repeated applies do.

mod actions;
mod argo;
mod fixtures;
mod health;
mod on_a_cluster;
