//! `kubeop-webhook check`: the verdict offline is the verdict of the webhook, and it is told in four forms.

mod formats;
mod page;
mod same;
mod support;
