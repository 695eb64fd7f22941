//! How often somebody is answered who overwrites again and again what we put right.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many times are answered in [`Answers::WINDOW`].
const MOST: usize = 5;

/// When something was put right: the last times.
#[derive(Clone, Debug, Default)]
pub struct Answers(VecDeque<Instant>);

impl Answers {
    /// In this time so many answers are given and no more.
    pub const WINDOW: Duration = Duration::from_secs(10);

    /// Whether it may be put right now, which then counts.
    pub fn may_answer(&mut self, now: Instant) -> bool {
        self.0.retain(|answer| now.duration_since(*answer) < Self::WINDOW);
        let may = self.0.len() < MOST;
        if may {
            self.0.push_back(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_whoever_overwrites_again_and_again_is_not_answered_each_time() {
        let start = Instant::now();
        let mut answers = Answers::default();
        // Every half second for a minute.
        let answered = (0..120)
            .filter(|half| answers.may_answer(start + Duration::from_millis(500) * *half))
            .count();
        assert_eq!(answered, 6 * MOST);
        assert!(
            answers.may_answer(start + Duration::from_secs(80)),
            "at once after a while"
        );
    }
}
