//! When resolvers are asked again.

use super::Wish;
use super::answer::{Agreement, Asked};
use std::time::Duration;

/// Bounds while all that answer agree: a change by somebody else is seen within them.
const HOLDS: (u32, u32) = (30, 900);
/// Bounds while one does not: a person waits for it, or a server is down.
const AWAITED: (u32, u32) = (1, 60);

/// How long after these answers it makes sense to ask again. Until its time to live is over a resolver says the same
/// again; `attempts`, the rounds in a row that came out alike and not as wished, space it out where nothing says for how long.
pub fn next_check(wish: &Wish, asked: &[Asked], attempts: u32) -> Duration {
    let holds = |asked: &&Asked| asked.answer.agreement(wish) == Agreement::Holds;
    let seconds = if !asked.is_empty() && asked.iter().all(|asked| holds(&asked)) {
        let until = asked.iter().filter_map(|asked| asked.answer.ttl()).min();
        until.unwrap_or(HOLDS.1).clamp(HOLDS.0, HOLDS.1)
    } else {
        let others = asked.iter().filter(|asked| !holds(asked));
        let until = others.filter_map(|asked| asked.answer.ttl()).min().unwrap_or(0);
        let spaced = 2_u32.saturating_pow(attempts.min(16));
        until.max(spaced).clamp(AWAITED.0, AWAITED.1)
    };
    Duration::from_secs(seconds.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, Asked, Data, Wish};
    use super::next_check;
    use rstest::rstest;

    fn records(target: &str, ttl: u32) -> Answer {
        Answer::Records {
            records: vec![Data::of_target(target)],
            ttl,
        }
    }

    fn failed() -> Answer {
        Answer::Failed {
            why: "no answer".to_owned(),
        }
    }

    const RIGHT: &str = "192.0.2.1";
    const WRONG: &str = "192.0.2.9";

    #[rstest]
    #[case::when_it_may_change(vec![records(RIGHT, 300)], 0, 300)]
    #[case::not_more_often_than_that(vec![records(RIGHT, 1)], 0, 30)]
    #[case::but_now_and_then(vec![records(RIGHT, 86_400)], 0, 900)]
    #[case::the_first_of_several(vec![records(RIGHT, 300), records(RIGHT, 120)], 0, 120)]
    #[case::what_is_wrong_lasts_as_long_as_it_says(vec![records(WRONG, 20)], 0, 20)]
    #[case::but_a_person_does_not_wait_for_hours(vec![records(WRONG, 86_400)], 0, 60)]
    #[case::the_right_one_does_not_hurry_the_wrong(vec![records(RIGHT, 2), records(WRONG, 20)], 0, 20)]
    #[case::what_lasts_no_time_is_spaced_out(vec![records(WRONG, 0)], 3, 8)]
    #[case::silence_first(vec![failed()], 0, 1)]
    #[case::silence_later(vec![failed()], 60, 60)]
    #[case::nobody_was_asked(vec![], 1, 2)]
    fn it_is_asked_again_when_that_can_tell_something(
        #[case] answers: Vec<Answer>,
        #[case] attempts: u32,
        #[case] seconds: u64,
    ) {
        let wish = Wish {
            host: "web.example".to_owned(),
            data: Data::of_target(RIGHT),
            ttl: 300,
        };
        let asked: Vec<_> = answers
            .into_iter()
            .map(|answer| Asked {
                resolver: "r".to_owned(),
                answer,
            })
            .collect();
        assert_eq!(next_check(&wish, &asked, attempts).as_secs(), seconds);
    }
}
