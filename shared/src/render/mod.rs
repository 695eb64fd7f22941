//! From an Image delivery to Deployment, Service and Ingress; from hooks to Jobs.
