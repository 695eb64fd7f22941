//! The controller of kubeOP.
