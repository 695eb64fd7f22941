//! The webhook of kubeOP.
