//! One run: a controller of its own behind a proxy, one life of an App, and what came of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::proxy::{Ledger, Proxy};
use kubeop_tests::{Identity, wait};

use crate::faults::Trial;
use crate::ground::{CONTROLLER, Ground};
use crate::objects::DROPPED;
use crate::snapshot::{self, Snapshot};
use crate::story::{self, Place, Step};
use crate::{audit, difference};

/// How long one step may take, with the waits after a fault and on a busy machine.
const STEP: Duration = Duration::from_secs(90);

/// How many writes a fault may cost: the one that is tried again, and the statuses that tell of it.
const MORE_WRITES: usize = 20;

pub struct Run<'a> {
    ground: &'a Ground,
    place: Place,
    name: String,
    trial: Trial,
}

/// What came of a run.
pub struct Walked {
    pub ledger: Ledger,
    snapshots: BTreeMap<Step, Snapshot>,
}

impl<'a> Run<'a> {
    pub fn new(ground: &'a Ground, number: usize, trial: Trial) -> Run<'a> {
        Run {
            ground,
            place: Place::new(format!("sweep-{number:04}")),
            name: format!("{CONTROLLER}-{number:04}"),
            trial,
        }
    }

    /// Walks through the whole life. With another run to compare with, each step must end as it did there.
    pub async fn walk(&self, unharmed: Option<&Walked>) -> Result<Walked> {
        let view = self.place.view();
        let cluster = &self.ground.cluster;
        let log = cluster.audit_log().context("no audit log")?.from_now()?;
        let proxy = Proxy::start(cluster, &Identity::controller(), view, self.trial.fault).await?;
        self.start_controller(&proxy).await?;
        let lived = tokio::select! {
            lived = self.live(unharmed) => lived,
            failed = self.keep_running(&proxy) => match failed? {},
        };
        cluster.end(&self.name, Ending::Killed).await?;
        let ledger = proxy.ledger();
        let told = |error: anyhow::Error| error.context(self.words(&ledger));
        let snapshots = lived.map_err(told)?;
        let ours =
            |entry: &kubeop_tests::audit::Entry| entry.namespace.as_deref() == Some(&self.place.namespace);
        let entries: Vec<_> = log.entries()?.into_iter().filter(ours).collect();
        let mut faults = audit::faults(self.trial.story, &entries);
        faults.extend(bystanders_changed(&snapshots));
        faults.extend(snapshots.get(&Step::Second).and_then(not_pruned));
        faults.extend(unharmed.and_then(|unharmed| storm(&unharmed.ledger, &ledger)));
        if !faults.is_empty() {
            return Err(told(anyhow!(faults.join("\n"))));
        }
        self.clear().await?;
        Ok(Walked { ledger, snapshots })
    }

    async fn start_controller(&self, proxy: &Proxy) -> Result<()> {
        self.ground.start_controller(&self.name, proxy).await
    }

    /// Kills the controller when the fault says so, and starts it again.
    async fn keep_running(&self, proxy: &Proxy) -> Result<Infallible> {
        loop {
            proxy.kill_wanted().await;
            self.ground.cluster.end(&self.name, Ending::Killed).await?;
            proxy.revive();
            self.start_controller(proxy).await?;
        }
    }

    async fn live(&self, unharmed: Option<&Walked>) -> Result<BTreeMap<Step, Snapshot>> {
        let mut snapshots = BTreeMap::new();
        for &step in self.trial.story.steps() {
            story::act(self.ground, &self.place, step).await?;
            let expected = match step {
                // What was put right is as it was, and what is gone leaves no trace.
                Step::Drift | Step::Resumption => snapshots.get(&Step::Second),
                Step::Deletion => snapshots.get(&Step::Bystanders),
                _ => unharmed.and_then(|unharmed| unharmed.snapshots.get(&step)),
            };
            let snapshot = wait::until(&format!("{step:?}"), STEP, || self.ended(step, expected)).await?;
            snapshots.insert(step, snapshot);
        }
        Ok(snapshots)
    }

    /// How a step ended; an error as long as it has not.
    async fn ended(&self, step: Step, expected: Option<&Snapshot>) -> Result<Snapshot> {
        story::settled(self.ground, &self.place, step).await?;
        let found = snapshot::take(self.ground, &self.place).await?;
        let difference = expected.map(|expected| difference::between(expected, &found));
        let difference = difference.unwrap_or_default();
        ensure!(difference.is_empty(), "{}", difference.join("\n"));
        Ok(found)
    }

    /// What a person needs to know of a run that went wrong.
    fn words(&self, ledger: &Ledger) -> String {
        let mut words = self.trial.to_string();
        if self.trial.fault.strike.is_some() {
            let _ = match &ledger.struck {
                Some(struck) => write!(words, ", which was: {struck}"),
                None => write!(words, ", which was not reached"),
            };
        }
        words + &self.ground.last_words(&self.name)
    }

    /// Makes room for the next ones.
    async fn clear(&self) -> Result<()> {
        self.ground.clear(&self.place).await
    }
}

/// What was there before the App, and is another thing while it lives.
fn bystanders_changed(snapshots: &BTreeMap<Step, Snapshot>) -> Vec<String> {
    let Some(before) = snapshots.get(&Step::Bystanders) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (step, mut snapshot) in snapshots
        .range(Step::First..)
        .map(|(step, all)| (step, all.clone()))
    {
        snapshot.retain(|key, _| before.contains_key(key));
        let lines = difference::between(before, &snapshot);
        faults.extend(lines.into_iter().map(|line| format!("{step:?}: {line}")));
    }
    faults
}

fn storm(unharmed: &Ledger, ledger: &Ledger) -> Option<String> {
    let (before, after) = (unharmed.writes.len(), ledger.writes.len());
    (after > before + MORE_WRITES).then(|| format!("{after} writes, and {before} without the fault"))
}

fn not_pruned(second: &Snapshot) -> Option<String> {
    let (plural, name) = DROPPED;
    let left = second.get(&format!("{plural}/{name}"))?;
    Some(format!(
        "{plural}/{name} is no longer asked for, and is there: {left}"
    ))
}
