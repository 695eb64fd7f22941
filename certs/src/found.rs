//! The Secret in which a CA is kept: told apart from a foreign one. Who keeps it, reads and writes it; here is what it
//! must be.

use crate::kept::{Damage, Kept};

/// Its type: what says that kubeOP wrote it. The API server lets nobody change a Secret's type.
pub const SECRET_TYPE: &str = "platform.kubeop.io/certificate-authority";

/// What stands in a Secret.
pub enum Found {
    /// A CA.
    Kept(Kept),
    /// Nothing that could sign, but something was there.
    Damaged(Damage),
    /// Somebody else wrote it.
    Foreign {
        /// The type that it has.
        of_type: String,
    },
}

impl Found {
    /// Reads a Secret of this type; `text` gives what stands under a name.
    pub fn read<'t>(of_type: Option<&str>, text: impl Fn(&str) -> Option<&'t str>) -> Self {
        let of_type = of_type.unwrap_or_default();
        if of_type != SECRET_TYPE {
            let of_type = of_type.to_owned();
            return Self::Foreign { of_type };
        }
        match Kept::read(text) {
            Ok(kept) => Self::Kept(kept),
            Err(damage) => Self::Damaged(damage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;
    use crate::rotation::{Lifetimes, Step, take};
    use std::collections::BTreeMap;
    use time::{Duration, OffsetDateTime};

    fn whole() -> BTreeMap<String, String> {
        let lifetimes = Lifetimes::new(Duration::DAY * 9, Duration::DAY).unwrap();
        let kept = take(Step::Make, None, &[], OffsetDateTime::UNIX_EPOCH, lifetimes, "x").unwrap();
        kept.texts()
    }

    fn found(of_type: Option<&str>, texts: &BTreeMap<String, String>) -> Found {
        Found::read(of_type, |name| texts.get(name).map(String::as_str))
    }

    #[test]
    fn s15_a_secret_that_kubeop_did_not_write_is_foreign_whatever_stands_in_it() {
        for of_type in [Some("Opaque"), Some("kubernetes.io/tls"), Some(""), None] {
            for texts in [whole(), BTreeMap::new()] {
                let found = found(of_type, &texts);
                assert!(
                    matches!(found, Found::Foreign { of_type: found } if found == of_type.unwrap_or_default())
                );
            }
        }
    }

    #[test]
    fn s15_what_kubeop_wrote_is_read_whole_or_damaged() {
        let texts = whole();
        let Found::Kept(kept) = found(Some(SECRET_TYPE), &texts) else {
            panic!("not read");
        };
        assert_eq!(kept.texts(), texts);
        let mut damaged = whole();
        let other = Authority::new("x", OffsetDateTime::UNIX_EPOCH, Duration::DAY).unwrap();
        assert_ne!(kept.signing.key(), other.key());
        damaged.insert("ca.key".to_owned(), other.key().to_owned());
        for texts in [damaged, BTreeMap::new()] {
            assert!(matches!(found(Some(SECRET_TYPE), &texts), Found::Damaged(_)));
        }
    }
}
