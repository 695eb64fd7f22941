//! Whose a Secret is that several Certificates name.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A Certificate that names a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// When it was created.
    pub created: Option<Time>,
    /// Its name.
    pub name: String,
}

/// Whose it is: the oldest one's, and of those of one second the one whose name comes first. So the answer is the same
/// whoever asks, and changes only when the owner goes.
#[must_use]
pub fn owner(claims: impl IntoIterator<Item = Claim>) -> Option<Claim> {
    // One that was not created yet is the youngest.
    claims
        .into_iter()
        .min_by(|a, b| (a.created.is_none(), a).cmp(&(b.created.is_none(), b)))
}

#[cfg(test)]
mod tests {
    use super::{Claim, owner};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    #[test]
    fn s45_the_oldest_has_it_then_the_first_by_name() {
        let claim = |(name, second): &(&str, i64)| Claim {
            created: (*second > 0).then(|| Time(Timestamp::from_second(*second).unwrap())),
            name: (*name).to_owned(),
        };
        for (claims, wanted) in [
            (&[("b", 1), ("a", 2)][..], Some("b")),
            (&[("a", 2), ("b", 1)], Some("b")),
            (&[("b", 1), ("a", 1), ("c", 1)], Some("a")),
            (&[("a", 0), ("b", 1)], Some("b")),
            (&[], None),
        ] {
            let found = owner(claims.iter().map(claim)).map(|claim| claim.name);
            assert_eq!(found.as_deref(), wanted, "{claims:?}");
        }
    }
}
