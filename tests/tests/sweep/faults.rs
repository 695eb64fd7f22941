//! Which faults are tried: all, or a sample of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use kubeop_tests::proxy::{Fault, NewsFault, Strike, WriteFault};

use crate::run::Walked;
use crate::story::Story;

/// Says `all` for every fault at every position, or a part of their names: `Smooth life, kill after at write 5`.
const WHICH: &str = "KUBEOP_TEST_SWEEP";

/// Moves the positions of the sample.
pub const SEED: &str = "KUBEOP_TEST_SEED";

/// How late news are together with another fault.
const LATE: Duration = Duration::from_secs(2);

/// After these the controller does not know whether its write was carried out.
const UNSEEN: [WriteFault; 4] = [
    WriteFault::KillBefore,
    WriteFault::KillAfter,
    WriteFault::DropAnswer,
    WriteFault::Answer(StatusCode::CONFLICT),
];

/// What is asked for, if not a sample.
pub fn which() -> Option<String> {
    std::env::var(WHICH).ok()
}

pub fn seed<N: std::str::FromStr + Default>() -> N {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    seed.unwrap_or_default()
}

/// One life under one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    pub story: Story,
    pub fault: Fault,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} life, ", self.story)?;
        if self.fault == Fault::default() {
            return f.write_str("no fault");
        }
        self.fault.fmt(f)
    }
}

/// What is tried.
pub struct Faults {
    pub list: Vec<Trial>,
    told: String,
}

impl Faults {
    /// For lives in which so much passed.
    pub fn from_environment(unharmed: &BTreeMap<Story, Walked>) -> Faults {
        let (which, seed) = (which(), seed());
        let mut list = Vec::new();
        for (&story, Walked { ledger, .. }) in unharmed {
            let (writes, news) = (ledger.writes.len(), ledger.news.len());
            let faults = match which {
                Some(_) => all(story, writes, news),
                // The last moments differ a little from run to run.
                None => sample(story, writes.saturating_sub(4), news.saturating_sub(8), seed),
            };
            list.extend(faults.into_iter().map(|fault| Trial { story, fault }));
        }
        let told = match which.as_deref() {
            None => format!("a sample of {} faults, {SEED}={seed}", list.len()),
            Some("all") => format!("all {} faults", list.len()),
            // A sweep that was cut off goes on.
            Some(part) if after(part).is_some() => {
                let all = list.len();
                list.drain(..after(part).unwrap_or(0).min(all));
                format!("the last {} of {all} faults", list.len())
            }
            Some(part) => {
                list.retain(|trial| trial.to_string().contains(part));
                format!("the {} faults that are called {part:?}", list.len())
            }
        };
        Faults { list, told }
    }
}

/// The number in `after 1000`.
fn after(part: &str) -> Option<usize> {
    part.strip_prefix("after ")?.parse().ok()
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

fn all(story: Story, writes: usize, news: usize) -> Vec<Fault> {
    let mut all = Vec::new();
    all.extend((1..=writes).flat_map(|nth| WriteFault::ALL.map(|what| Fault::at_write(nth, what))));
    all.extend((1..=news).flat_map(|nth| NewsFault::ALL.map(|what| Fault::at_news(nth, what))));
    all.push(Fault::default().and_news_late(Duration::from_secs(10)));
    if story == Story::Smooth {
        // What was written is not known for a while: neither by its answer, nor by a watch.
        let late = |nth, what| Fault::at_write(nth, what).and_news_late(LATE);
        all.extend((1..=writes).flat_map(|nth| UNSEEN.map(|what| late(nth, what))));
    }
    all
}

/// Some faults, spread over the life: the seed says which comes where.
fn sample(story: Story, writes: usize, news: usize, seed: usize) -> Vec<Fault> {
    let at_once = |what: &WriteFault| (*what, Duration::ZERO);
    let (at_writes, at_news): (Vec<_>, &[NewsFault]) = match story {
        Story::Smooth => {
            // What takes the longest comes first.
            let late = std::iter::once((WriteFault::DropAnswer, LATE));
            (
                late.chain(WriteFault::ALL.iter().map(at_once)).collect(),
                &NewsFault::ALL,
            )
        }
        Story::Troubled => (UNSEEN.iter().map(at_once).collect(), &[]),
    };
    let spread =
        |index: usize, count: usize, length: usize| position((index + seed) % count, count, length, seed);
    let count = at_writes.len();
    let writes = at_writes
        .into_iter()
        .enumerate()
        .map(|(index, (what, late))| Fault::at_write(spread(index, count, writes), what).and_news_late(late));
    let news = at_news
        .iter()
        .enumerate()
        .map(|(index, &what)| Fault::at_news(spread(index, at_news.len(), news), what));
    writes.chain(news).collect()
}

/// A position in the n-th of so many equal parts of a life.
fn position(part: usize, parts: usize, length: usize, seed: usize) -> usize {
    let (start, end) = (part * length / parts, (part + 1) * length / parts);
    1 + start + (seed * 7 + part * 3) % (end - start).max(1)
}

#[test]
fn a_sample_is_spread_over_the_whole_life() {
    for seed in 0..20 {
        let mut positions: Vec<usize> = sample(Story::Smooth, 60, 100, seed)
            .into_iter()
            .filter_map(|fault| match fault.strike {
                Some(Strike::AtWrite(nth, _)) => Some(nth),
                _ => None,
            })
            .collect();
        positions.sort_unstable();
        assert_eq!(positions.len(), WriteFault::ALL.len() + 1);
        assert!(
            positions.iter().all(|nth| (1..=60).contains(nth)),
            "{positions:?}"
        );
        for pair in positions.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] - pair[0] < 16, "{positions:?}");
        }
    }
}
