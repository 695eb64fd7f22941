//! What passed through a proxy.

use std::collections::BTreeMap;
use std::fmt;

use crate::audit::Entry;

/// What passed until now.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Writes in order, also those that a fault kept from being carried out.
    pub writes: Vec<Entry>,
    /// News of watches in order.
    pub news: Vec<News>,
    /// Where the fault struck, if it did.
    pub struck: Option<String>,
    calls: BTreeMap<String, Calls>,
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// `ADDED`, `MODIFIED`, `DELETED`.
    pub kind: String,
    /// Plural name of the watched kind.
    pub resource: String,
    /// The object.
    pub name: String,
}

/// How many calls somebody made, by what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Reads of one object, and lists.
    pub reads: usize,
    /// Writes.
    pub writes: usize,
    /// Writes that said `dryRun`.
    pub dry_runs: usize,
    /// Watches that were started.
    pub watches: usize,
    /// What counts against no budget, see [`Entry::is_call`]: Events, Leases, reviews, health.
    pub others: usize,
}

impl Ledger {
    /// What this user asked, or what was asked in its name: a deployer is told apart from who impersonates it.
    pub fn calls_of(&self, user: &str) -> Calls {
        self.calls.get(user).copied().unwrap_or_default()
    }

    /// Everybody who asked.
    pub fn calls(&self) -> &BTreeMap<String, Calls> {
        &self.calls
    }

    pub(super) fn count(&mut self, call: &Entry) {
        let calls = self.calls.entry(call.actor().to_owned()).or_default();
        let count = match call.verb.as_str() {
            "watch" => &mut calls.watches,
            _ if !call.is_call() => &mut calls.others,
            _ if call.is_write() => &mut calls.writes,
            _ if call.dry_run => &mut calls.dry_runs,
            _ => &mut calls.reads,
        };
        *count += 1;
        if call.is_call() && call.is_write() {
            self.writes.push(call.clone());
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calls {
            reads,
            writes,
            dry_runs,
            watches,
            others,
        } = self;
        write!(
            f,
            "{reads} reads, {writes} writes, {dry_runs} dry runs, {watches} watches, {others} others"
        )
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.resource, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(verb: &str, resource: &str, dry_run: bool) -> Entry {
        Entry {
            user: "controller".to_owned(),
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            dry_run,
            ..Entry::default()
        }
    }

    #[test]
    fn calls_are_told_apart_by_cost_and_by_who_acts() {
        let mut ledger = Ledger::default();
        for (verb, resource) in [
            ("get", "pods"),
            ("list", "pods"),
            ("watch", "pods"),
            ("create", "events"),
        ] {
            ledger.count(&call(verb, resource, false));
        }
        ledger.count(&call("patch", "apps", true));
        ledger.count(&Entry {
            impersonated: Some("deployer".to_owned()),
            ..call("patch", "apps", false)
        });
        let calls = Calls {
            reads: 2,
            writes: 0,
            dry_runs: 1,
            watches: 1,
            others: 1,
        };
        assert_eq!(ledger.calls_of("controller"), calls);
        assert_eq!(ledger.calls_of("deployer").writes, 1);
        assert_eq!(
            ledger.writes.len(),
            1,
            "only writes that are counted have a number"
        );
    }
}
