//! The order in which things are looked at: each by one worker at a time, many at once, again when told or when
//! its time has come.
//!
//! kube's own controller keeps every object whole in a store and hands it to the worker. Here a key is all that
//! waits, and the worker finds what is known of it. What is due at once does not pass through a timer.

use crate::metrics::metrics;
use futures::{FutureExt, Stream, StreamExt};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::time::{DelayQueue, delay_queue};

/// How long nothing is done for a key whose look ended in a panic.
const AFTER_PANIC: Duration = Duration::from_secs(60);

/// Room for so many keys is kept when none waits.
const MANY: usize = 1000;

/// When something is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something is told of it.
    News,
    /// After this time at the latest.
    Within(Duration),
}

/// Looks at every key that is told, until no more will be and the looks that began have ended. A panic in one look
/// is logged, and that key is looked at again later.
pub async fn work<K, F>(
    what: &'static str,
    told: impl Stream<Item = K>,
    concurrency: usize,
    look: impl Fn(K) -> F,
) where
    K: Clone + Eq + Hash + Display + Send + 'static,
    F: Future<Output = Next> + Send + 'static,
{
    let mut told = pin!(told.fuse());
    let mut queue = Queue::<K>::default();
    let mut looks = JoinSet::new();
    loop {
        metrics().waiting(what, queue.ready.len());
        while looks.len() < concurrency
            && let Some(key) = queue.start()
        {
            let look = AssertUnwindSafe(look(key.clone())).catch_unwind();
            looks.spawn(async move { (key, look.await) });
        }
        tokio::select! {
            key = told.next() => match key {
                Some(key) => queue.tell(key),
                None => break,
            },
            Some(key) = queue.later.next() => {
                let key = key.into_inner();
                queue.due.remove(&key);
                queue.tell(key);
            }
            Some(ended) = looks.join_next() => ended_with(what, ended, &mut queue),
        }
    }
    while let Some(ended) = looks.join_next().await {
        ended_with(what, ended, &mut queue);
    }
}

type Ended<K> = Result<(K, std::thread::Result<Next>), tokio::task::JoinError>;

fn ended_with<K: Clone + Eq + Hash + Display>(what: &'static str, ended: Ended<K>, queue: &mut Queue<K>) {
    // Nobody aborts a look, and its panics are caught.
    let Ok((key, next)) = ended else { return };
    let next = next.unwrap_or_else(|_| {
        metrics().panic(what);
        tracing::error!(what, %key, "a look panicked; it is tried again in a minute");
        Next::Within(AFTER_PANIC)
    });
    queue.end(key, next);
}

/// Keys that wait, that are looked at, and that are due later. A key is in one of these only.
struct Queue<K> {
    ready: VecDeque<K>,
    waiting: HashSet<K>,
    /// Whether something was told since the look began.
    running: HashMap<K, bool>,
    later: DelayQueue<K>,
    due: HashMap<K, delay_queue::Key>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            running: HashMap::new(),
            later: DelayQueue::new(),
            due: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    fn tell(&mut self, key: K) {
        if let Some(again) = self.running.get_mut(&key) {
            *again = true;
            return;
        }
        if let Some(due) = self.due.remove(&key) {
            self.later.remove(&due);
        }
        if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    fn start(&mut self) -> Option<K> {
        let key = self.ready.pop_front()?;
        self.waiting.remove(&key);
        if self.ready.is_empty() && self.ready.capacity() > MANY {
            // At a start everything waits. That room is not needed again.
            self.ready = VecDeque::new();
            self.waiting = HashSet::new();
        }
        self.running.insert(key.clone(), false);
        Some(key)
    }

    fn end(&mut self, key: K, next: Next) {
        if self.running.remove(&key) == Some(true) {
            self.tell(key);
        } else if let Next::Within(time) = next
            && let Entry::Vacant(due) = self.due.entry(key.clone())
        {
            due.insert(self.later.insert(key, time));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, work};
    use futures::channel::mpsc;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    type Log = Arc<Mutex<Vec<(&'static str, &'static str)>>>;

    /// Looks that take ten milliseconds each, and what they are told at the first time.
    async fn looks(
        keys: &[&'static str],
        concurrency: usize,
        next: Next,
    ) -> Vec<(&'static str, &'static str)> {
        let log = Log::default();
        let (tell, told) = mpsc::unbounded();
        for key in keys {
            tell.unbounded_send(*key).unwrap();
        }
        let end = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(tell);
        };
        let look = |key: &'static str| {
            let log = log.clone();
            async move {
                let first = !log.lock().unwrap().contains(&("end", key));
                log.lock().unwrap().push(("start", key));
                tokio::time::sleep(Duration::from_millis(10)).await;
                log.lock().unwrap().push(("end", key));
                assert!(key != "bad" || !first, "it is bad");
                if first { next } else { Next::News }
            }
        };
        tokio::join!(work("test", told, concurrency, look), end);
        log.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_looked_at_once_however_often_it_is_told_before() {
        let log = looks(&["a", "a", "b", "a", "b"], 1, Next::News).await;
        let starts: Vec<_> = log
            .iter()
            .filter(|(what, _)| *what == "start")
            .map(|(_, key)| *key)
            .collect();
        // Once more for what was told while it was looked at.
        assert_eq!(starts, ["a", "b", "a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn different_keys_are_looked_at_at_once_up_to_the_limit() {
        let log = looks(&["a", "b", "c"], 2, Next::News).await;
        let starts: Vec<_> = log.iter().map(|(what, _)| *what).collect();
        assert_eq!(starts[..2], ["start", "start"], "{log:?}");
        assert_eq!(log.len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_comes_again_when_its_time_has_come() {
        let log = looks(&["a"], 2, Next::Within(Duration::from_millis(50))).await;
        assert_eq!(log.len(), 4, "{log:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_stops_nothing_but_the_look_it_happened_in() {
        let log = looks(&["bad", "good"], 1, Next::News).await;
        assert!(log.contains(&("end", "good")), "{log:?}");
    }
}
