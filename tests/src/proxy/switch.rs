//! The state of a proxy: what passed, and whether the fault has struck.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::fault::{Fault, NewsFault, Strike, WriteFault};
use super::ledger::{Ledger, News};
use super::scopes::Scopes;
use super::view::View;
use crate::audit::Entry;

/// Which start of the program a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life(u32);

/// What all connections of a proxy share.
pub(super) struct Switch {
    pub upstream: kube::Client,
    pub user: String,
    pub view: View,
    pub scopes: Scopes,
    fault: Fault,
    state: Mutex<State>,
    kill: Notify,
    held: Notify,
    let_through: Notify,
}

struct State {
    ledger: Ledger,
    life: Life,
    /// The program is to be killed, or is dead: nothing of it passes.
    dying: bool,
    /// How the write that was held was answered at last.
    late: Option<u16>,
}

impl Switch {
    pub fn new(upstream: kube::Client, user: &str, view: View, fault: Fault) -> Self {
        Switch {
            upstream,
            user: user.to_owned(),
            view,
            scopes: Scopes::default(),
            fault,
            state: Mutex::new(State {
                ledger: Ledger::default(),
                life: Life(0),
                dying: false,
                late: None,
            }),
            kill: Notify::new(),
            held: Notify::new(),
            let_through: Notify::new(),
        }
    }

    pub fn life(&self) -> Life {
        self.state().life
    }

    /// Whether a connection belongs to a program that still acts.
    pub fn acts(&self, life: Life) -> bool {
        let state = self.state();
        !state.dying && state.life == life
    }

    pub fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// Counts a call. The fault, if it strikes here.
    pub fn meet(&self, call: &Entry) -> Option<WriteFault> {
        let mut state = self.state();
        let before = state.ledger.writes.len();
        state.ledger.count(call);
        let count = state.ledger.writes.len();
        match self.fault.strike {
            Some(Strike::AtWrite(nth, what)) if count > before && count == nth => {
                state.ledger.struck = Some(call.to_string());
                Some(what)
            }
            _ => None,
        }
    }

    /// Counts a piece of news. The fault, if it strikes here.
    pub fn meet_news(&self, news: News) -> Option<NewsFault> {
        let mut state = self.state();
        let told = news.to_string();
        state.ledger.news.push(news);
        match self.fault.strike {
            Some(Strike::AtNews(nth, what)) if state.ledger.news.len() == nth => {
                state.ledger.struck = Some(told);
                Some(what)
            }
            _ => None,
        }
    }

    /// How late news are.
    pub fn delay(&self) -> Duration {
        self.fault.news_late
    }

    /// Asks for the program to be killed.
    pub fn kill(&self) {
        self.state().dying = true;
        self.kill.notify_one();
    }

    /// Tells that a write is held, and waits until it may pass.
    pub async fn hold(&self) {
        self.held.notify_one();
        self.let_through.notified().await;
    }

    pub async fn held(&self) {
        self.held.notified().await;
    }

    pub fn let_through(&self) {
        self.let_through.notify_one();
    }

    pub fn late(&self, code: u16) {
        self.state().late = Some(code);
    }

    pub fn late_answer(&self) -> Option<u16> {
        self.state().late
    }

    pub async fn kill_wanted(&self) {
        self.kill.notified().await;
    }

    pub fn revive(&self) {
        let mut state = self.state();
        state.life = Life(state.life.0 + 1);
        state.dying = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
