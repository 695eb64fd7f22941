//! Which faults are tried: all, or a sample of them.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use kubeop_tests::proxy::{Fault, Ledger, NewsFault, Strike, WriteFault};

/// Says `all` for every fault at every position.
const WHICH: &str = "KUBEOP_TEST_SWEEP";

/// Moves the positions of the sample.
const SEED: &str = "KUBEOP_TEST_SEED";

/// How late news are together with another fault.
const LATE: Duration = Duration::from_secs(2);

pub struct Faults {
    pub list: Vec<Fault>,
    told: String,
}

impl Faults {
    /// For a life in which so much passed.
    pub fn from_environment(unharmed: &Ledger) -> Faults {
        let (writes, news) = (unharmed.writes.len(), unharmed.news.len());
        if std::env::var(WHICH).as_deref() == Ok("all") {
            let list = all(writes, news);
            let told = format!("all {} faults", list.len());
            return Faults { list, told };
        }
        // The last moments differ a little from run to run.
        let (writes, news) = (writes.saturating_sub(4), news.saturating_sub(8));
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(0);
        let list = sample(writes, news, seed);
        let told = format!("a sample of {} faults, {SEED}={seed}", list.len());
        Faults { list, told }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

fn all(writes: usize, news: usize) -> Vec<Fault> {
    let at_writes = (1..=writes).flat_map(|nth| WriteFault::ALL.map(|what| Fault::at_write(nth, what)));
    let at_news = (1..=news).flat_map(|nth| NewsFault::ALL.map(|what| Fault::at_news(nth, what)));
    // What was written is not known for a while: neither by its answer, nor by a watch.
    let unseen = [
        WriteFault::KillAfter,
        WriteFault::DropAnswer,
        WriteFault::Answer(StatusCode::CONFLICT),
    ];
    let unseen =
        (1..=writes).flat_map(|nth| unseen.map(|what| Fault::at_write(nth, what).and_news_late(LATE)));
    let late = [Fault::default().and_news_late(Duration::from_secs(10))];
    late.into_iter()
        .chain(at_writes)
        .chain(at_news)
        .chain(unseen)
        .collect()
}

/// Each kind of fault once, spread over the life: the seed says which comes where. What kills comes twice.
fn sample(writes: usize, news: usize, seed: usize) -> Vec<Fault> {
    let mut kinds: Vec<Fault> = Vec::new();
    // It takes the longest, so it comes first.
    kinds.push(Fault::at_write(1, WriteFault::DropAnswer).and_news_late(LATE));
    let twice = [WriteFault::KillBefore, WriteFault::KillAfter];
    kinds.extend(
        WriteFault::ALL
            .iter()
            .chain(&twice)
            .map(|&what| Fault::at_write(1, what)),
    );
    let count = kinds.len();
    for (index, fault) in kinds.iter_mut().enumerate() {
        let nth = position((index + seed) % count, count, writes, seed);
        if let Some(Strike::AtWrite(at, _)) = &mut fault.strike {
            *at = nth;
        }
    }
    let count = NewsFault::ALL.len();
    kinds.extend(
        NewsFault::ALL
            .iter()
            .enumerate()
            .map(|(index, &what)| Fault::at_news(position((index + seed) % count, count, news, seed), what)),
    );
    kinds
}

/// A position in the n-th of so many equal parts of a life.
fn position(part: usize, parts: usize, length: usize, seed: usize) -> usize {
    let (start, end) = (part * length / parts, (part + 1) * length / parts);
    1 + start + (seed * 7 + part * 3) % (end - start).max(1)
}

#[test]
fn a_sample_holds_each_kind_of_fault_and_all_parts_of_the_life() {
    for seed in 0..20 {
        let mut positions: Vec<usize> = sample(60, 100, seed)
            .into_iter()
            .filter_map(|fault| match fault.strike {
                Some(Strike::AtWrite(nth, _)) => Some(nth),
                _ => None,
            })
            .collect();
        positions.sort_unstable();
        for pair in positions.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] - pair[0] < 14, "{positions:?}");
        }
        assert!(
            positions.iter().all(|nth| (1..=60).contains(nth)),
            "{positions:?}"
        );
    }
}
