//! What a resolver answers, and what that says about a wish.

use super::{Data, Wish};
use crate::api::DnsAnswer;

/// At most so many records of one answer are told.
const MAX_RECORDS: usize = 16;
/// The longest error that is told, in characters.
const MAX_ERROR: usize = 256;

/// What a resolver answers about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These, in whatever order.
    Records {
        /// Addresses and names of the chain that leads to them; never empty.
        records: Vec<Data>,
        /// For how long it may answer that, in seconds.
        ttl: u32,
    },
    /// There are no such records.
    Nothing {
        /// For how long it may answer that, in seconds.
        ttl: u32,
    },
    /// It does not answer, or cannot.
    Failed {
        /// Why, as a clause.
        why: String,
    },
}

/// A resolver, and what it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Address of the resolver.
    pub resolver: String,
    /// What it answers.
    pub answer: Answer,
}

/// What an answer says about a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// That it came true.
    Holds,
    /// That something else is there.
    Differs,
    /// That nothing is there.
    Missing,
    /// Nothing.
    Silent,
}

impl Answer {
    /// It holds when the records of the wished type are exactly the wished one. A name on the way to an address does not
    /// count: the host leads there.
    pub(super) fn agreement(&self, wish: &Wish) -> Agreement {
        match self {
            Self::Records { records, .. } => {
                let kind = wish.data.kind();
                let mut of_kind = records.iter().filter(|data| data.kind() == kind).peekable();
                let holds = of_kind.peek().is_some() && of_kind.all(|data| *data == wish.data);
                if holds {
                    Agreement::Holds
                } else {
                    Agreement::Differs
                }
            }
            Self::Nothing { .. } => Agreement::Missing,
            Self::Failed { .. } => Agreement::Silent,
        }
    }

    /// For how long it will be answered, in seconds.
    pub(super) fn ttl(&self) -> Option<u32> {
        match self {
            Self::Records { ttl, .. } | Self::Nothing { ttl } => Some(*ttl),
            Self::Failed { .. } => None,
        }
    }
}

impl Asked {
    /// As the status tells it: sorted, since resolvers rotate, and without the time to live, which counts down.
    pub fn told(&self) -> DnsAnswer {
        let (mut records, error) = match &self.answer {
            Answer::Records { records, .. } => (records.clone(), None),
            Answer::Nothing { .. } => (Vec::new(), None),
            Answer::Failed { why } => (Vec::new(), Some(why.chars().take(MAX_ERROR).collect())),
        };
        records.sort();
        records.dedup();
        records.truncate(MAX_RECORDS);
        DnsAnswer {
            resolver: self.resolver.clone(),
            records: records.iter().map(ToString::to_string).collect(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Data, Wish};
    use super::{Agreement, Answer, Asked};
    use rstest::rstest;

    fn records(targets: &[&str]) -> Answer {
        Answer::Records {
            records: targets.iter().map(|target| Data::of_target(target)).collect(),
            ttl: 60,
        }
    }

    #[rstest]
    #[case::the_address("192.0.2.1", &["192.0.2.1"], Agreement::Holds)]
    #[case::by_way_of_a_name("192.0.2.1", &["lb.example", "192.0.2.1"], Agreement::Holds)]
    #[case::another_address("192.0.2.1", &["192.0.2.9"], Agreement::Differs)]
    #[case::one_too_many("192.0.2.1", &["192.0.2.1", "192.0.2.9"], Agreement::Differs)]
    #[case::another_type("192.0.2.1", &["2001:db8::1"], Agreement::Differs)]
    #[case::s46_same_address_otherwise_written("2001:DB8:0:0::1", &["2001:db8::1"], Agreement::Holds)]
    #[case::s46_same_name_otherwise_written("LB.Example.", &["lb.example"], Agreement::Holds)]
    #[case::s46_a_name_behind_which_are_addresses("lb.example", &["lb.example", "2001:db8::1"], Agreement::Holds)]
    #[case::s46_addresses_instead_of_the_name("lb.example", &["2001:db8::1"], Agreement::Differs)]
    fn an_answer_holds_or_differs(
        #[case] target: &str,
        #[case] answered: &[&str],
        #[case] wanted: Agreement,
    ) {
        let wish = Wish {
            host: "web.example".to_owned(),
            data: Data::of_target(target),
            ttl: 300,
        };
        assert_eq!(records(answered).agreement(&wish), wanted);
    }

    #[test]
    fn what_is_told_moves_neither_with_order_nor_with_time() {
        let told = |answer: Answer| {
            let resolver = "192.0.2.53:53".to_owned();
            Asked { resolver, answer }.told()
        };
        let mut rotated = records(&["192.0.2.2", "192.0.2.1", "192.0.2.2"]);
        if let Answer::Records { ttl, .. } = &mut rotated {
            *ttl = 3;
        }
        assert_eq!(told(rotated), told(records(&["192.0.2.1", "192.0.2.2"])));
    }

    #[test]
    fn what_is_told_is_bounded() {
        let many: Vec<_> = (0..100).map(|n| format!("192.0.2.{n}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let asked = |answer| Asked {
            resolver: "192.0.2.53:53".to_owned(),
            answer,
        };
        assert_eq!(asked(records(&many)).told().records.len(), 16);
        let why = "x".repeat(5000);
        let error = asked(Answer::Failed { why }).told().error;
        assert_eq!(error.map(|error| error.len()), Some(256));
    }
}
