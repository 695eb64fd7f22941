//! Certificates of kubeOP: a CA and the leaves it signs.
