//! Schemas of core/v1 fields that kubeOP carries as opaque JSON, taken from k8s-openapi.
