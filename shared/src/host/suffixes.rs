//! `HostSuffixes`: names under which hosts may lie, as `hosts[]` of a Tenant or a Project says.
//!
//! An entry is a name, which covers itself and whatever ends in it on a boundary of labels, or `*.` and a name, which
//! covers only what lies below. A host `*.name` stands for all that lies below the name, so it is covered where the
//! name is.

use super::normal_form;
use std::fmt;

/// A list of names under which hosts may lie. An empty one covers nothing: whether an absent or empty list narrows is
/// for whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSuffixes {
    /// In normal form.
    entries: Vec<Box<str>>,
}

impl HostSuffixes {
    /// The list that a Tenant's or Project's `hosts[]` makes; none where no entry is given.
    #[must_use]
    pub fn narrowing(entries: &[String]) -> Option<Self> {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| normal_form(entry).into_boxed_str())
            .collect();
        (!entries.is_empty()).then_some(Self { entries })
    }

    /// Whether the host lies under an entry. It may be of any case, end in a dot, and begin with `*.`.
    #[must_use]
    pub fn cover(&self, host: &str) -> bool {
        let host = normal_form(host);
        self.entries.iter().any(|entry| covers(entry, &host))
    }
}

/// Both in normal form.
fn covers(entry: &str, host: &str) -> bool {
    let (name, itself) = match entry.strip_prefix("*.") {
        Some(name) => (name, false),
        None => (entry, true),
    };
    let (host, itself) = match host.strip_prefix("*.") {
        // All of these lie below the name that follows the star.
        Some(host) => (host, true),
        None => (host, itself),
    };
    match host.strip_suffix(name) {
        Some("") => itself && !name.is_empty(),
        Some(leading) => leading.len() > 1 && leading.ends_with('.') && !name.is_empty(),
        None => false,
    }
}

/// Writes the list as it is understood: in normal form, entries separated by commas.
impl fmt::Display for HostSuffixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entries.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::HostSuffixes;
    use rstest::rstest;

    #[rstest]
    #[case::itself("acme.example", "acme.example", true)]
    #[case::below("acme.example", "pay.acme.example", true)]
    #[case::far_below("acme.example", "eu.pay.acme.example", true)]
    #[case::within_a_label("acme.example", "badacme.example", false)]
    #[case::above("acme.example", "example", false)]
    #[case::suffix_in_the_middle("acme.example", "acme.example.evil.example", false)]
    #[case::dot_only("acme.example", ".acme.example", false)]
    #[case::case_and_dot("Acme.Example.", "PAY.acme.EXAMPLE.", true)]
    #[case::top("example", "acme.example", true)]
    #[case::star_at_the_name("acme.example", "*.acme.example", true)]
    #[case::star_below("acme.example", "*.pay.acme.example", true)]
    #[case::star_above("acme.example", "*.example", false)]
    #[case::star_of_another_label("acme.example", "*.badacme.example", false)]
    #[case::star_of_everything("acme.example", "*", false)]
    #[case::open_entry_itself("*.acme.example", "acme.example", false)]
    #[case::open_entry_below("*.acme.example", "pay.acme.example", true)]
    #[case::open_entry_far_below("*.acme.example", "eu.pay.acme.example", true)]
    #[case::open_entry_and_star("*.acme.example", "*.acme.example", true)]
    #[case::no_host("acme.example", "", false)]
    #[case::no_entry("", "acme.example", false)]
    #[case::nothing_at_all("", "", false)]
    #[case::lone_dot(".", "acme.example", false)]
    fn a_suffix_ends_where_a_label_ends(#[case] entry: &str, #[case] host: &str, #[case] covered: bool) {
        let list = HostSuffixes::narrowing(&[entry.to_owned()]).unwrap();
        assert_eq!(list.cover(host), covered);
    }

    #[test]
    fn one_entry_of_many_is_enough() {
        let list = HostSuffixes::narrowing(&["a.example.".to_owned(), "*.B.example".to_owned()]).unwrap();
        assert!(list.cover("x.b.example") && list.cover("a.example") && !list.cover("b.example"));
        assert_eq!(list.to_string(), "a.example, *.b.example");
        assert_eq!(HostSuffixes::narrowing(&[]), None);
    }
}
