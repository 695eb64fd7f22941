//! Whom replicas trust when they ask each other.

/// Whom to trust, and for which name, where another replica is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trust {
    /// Certificates of CAs, DER.
    pub roots: Vec<Vec<u8>>,
    /// A name that the certificate of every replica has.
    pub name: String,
}
