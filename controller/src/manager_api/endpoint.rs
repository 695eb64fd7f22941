//! What is said of something that can be asked.

use super::serving::Serving;
use axum::http::Method;
use axum::routing::MethodRouter;
use std::sync::Arc;

/// Something that can be asked.
pub(super) struct Endpoint {
    /// Its path, as both the router and OpenAPI write it.
    pub path: &'static str,
    /// Its method.
    pub method: Method,
    /// Who may ask.
    pub who: Who,
    /// Its name in clients that are generated.
    pub id: &'static str,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// What to know.
    pub description: &'static str,
    /// Names of parameters behind the question mark.
    pub parameters: &'static [&'static str],
    /// What is sent; none: nothing.
    pub body: Option<Content>,
    /// What is answered when it is done, by HTTP status.
    pub answers: &'static [(u16, Content, &'static str)],
    /// Who answers.
    pub handler: fn() -> MethodRouter<Arc<Serving>>,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever has a token of the cluster, and the rights there.
    Caller,
    /// Everybody.
    Anyone,
}

/// What is sent or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// An App.
    App,
    /// A list of Apps.
    AppList,
    /// An App, or the API server's word that it is gone.
    Deleted,
    /// What a dry run tells.
    Plan,
    /// A wish to roll back.
    Rollback,
    /// Revisions of an App.
    Revisions,
    /// The summary.
    Summary,
    /// The version.
    Version,
    /// The document that describes all this.
    Document,
    /// A page for people.
    Page,
}
