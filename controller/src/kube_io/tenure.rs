//! For how long this process may ask anything of the API server.
//!
//! A leader that was paused wakes up with calls to make. Each call looks here first, so that only one that was already
//! on its way can be late, and that one carries what it expects to find.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// Shared by whoever renews the lease and whoever makes calls.
#[derive(Clone, Debug)]
pub struct Tenure {
    term: Arc<RwLock<Term>>,
}

#[derive(Clone, Copy, Debug)]
enum Term {
    Open,
    Until(Instant),
    Over,
}

impl Default for Tenure {
    /// Without an end: nobody else is there to take over.
    fn default() -> Self {
        Self {
            term: Arc::new(RwLock::new(Term::Open)),
        }
    }
}

impl Tenure {
    /// Holds until then, and no longer unless it is said again.
    pub fn until(&self, end: Instant) {
        self.set(Term::Until(end));
    }

    /// Has ended.
    pub fn end(&self) {
        self.set(Term::Over);
    }

    /// Whether a call may be made now.
    pub fn holds(&self, now: Instant) -> bool {
        match *self.term.read().unwrap_or_else(PoisonError::into_inner) {
            Term::Open => true,
            Term::Until(end) => now < end,
            Term::Over => false,
        }
    }

    fn set(&self, term: Term) {
        *self.term.write().unwrap_or_else(PoisonError::into_inner) = term;
    }
}

#[cfg(test)]
mod tests {
    use super::Tenure;
    use std::time::{Duration, Instant};

    #[test]
    fn it_ends_by_itself_unless_it_is_renewed() {
        let (tenure, now) = (Tenure::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(tenure.holds(at(1_000)));
        tenure.until(at(8));
        let others = tenure.clone();
        assert!(others.holds(at(7)) && !others.holds(at(8)));
        tenure.until(at(10));
        assert!(others.holds(at(9)));
        tenure.end();
        assert!(!others.holds(now));
    }
}
