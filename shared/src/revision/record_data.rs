//! The record as text: `data` of its ConfigMap, which a person can read.

use super::hash::{Digest, RevisionHash};
use super::record::{
    HookKey, HookOutcome, HookRun, InventoryEntry, ObjectKey, Outcome, Phase, Record, RecordError, Revision,
};
use super::record_text::{self, BadLine, Entry};
use super::{Pin, PinCause};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Version of the record's own layout.
const FORMAT: u32 = 1;

impl Record {
    /// `data` of the ConfigMap.
    #[must_use]
    pub fn to_data(&self) -> BTreeMap<String, String> {
        let newest_first = self.history.iter().rev().map(Revision::entry);
        let mut data = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_string()),
            (
                "history".to_owned(),
                record_text::write(&newest_first.collect::<Vec<_>>()),
            ),
        ]);
        let mut add = |key: &str, text: String| {
            if !text.is_empty() {
                data.insert(key.to_owned(), text);
            }
        };
        if let Some(wanted) = self.wanted() {
            add("wanted", wanted.number.to_string());
        }
        add(
            "delivered",
            self.delivered
                .map(|number| number.to_string())
                .unwrap_or_default(),
        );
        add("retried", self.retried.clone().unwrap_or_default());
        add("skipped", self.skipped.clone().unwrap_or_default());
        add("rolledBack", self.rolled_back.clone().unwrap_or_default());
        add(
            "pin",
            record_text::write(&self.pin.iter().map(Pin::entry).collect::<Vec<_>>()),
        );
        add(
            "hooks",
            record_text::write(&self.hooks.iter().map(HookRun::entry).collect::<Vec<_>>()),
        );
        let inventory: Vec<_> = self
            .inventory
            .iter()
            .map(|(key, entry)| entry.entry(key))
            .collect();
        add("inventory", record_text::write(&inventory));
        let remembered: Vec<_> = self.remembered.iter().map(HookKey::entry).collect();
        add("remembered", record_text::write(&remembered));
        data
    }

    /// Reads `data` of the ConfigMap.
    pub fn from_data(data: &BTreeMap<String, String>) -> Result<Self, RecordError> {
        let unreadable = |key, why: &str| RecordError::Unreadable {
            key,
            why: why.to_owned(),
        };
        let format = data.get("format").and_then(|text| text.parse::<u32>().ok());
        match format {
            Some(FORMAT) => {}
            Some(format) if format > FORMAT => return Err(RecordError::Newer { format }),
            _ => return Err(unreadable("format", "names no format")),
        }
        let mut history = list(data, "history", Revision::read)?;
        history.reverse();
        Ok(Self {
            owner: None,
            delivered: match data.get("delivered") {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .map_err(|_| unreadable("delivered", "is no number"))?,
                ),
            },
            history,
            hooks: list(data, "hooks", HookRun::read)?,
            inventory: list(data, "inventory", InventoryEntry::read)?
                .into_iter()
                .collect(),
            retried: data.get("retried").cloned(),
            skipped: data.get("skipped").cloned(),
            rolled_back: data.get("rolledBack").cloned(),
            pin: list(data, "pin", Pin::read)?.pop(),
            remembered: list(data, "remembered", HookKey::read)?,
        })
    }
}

fn list<T>(
    data: &BTreeMap<String, String>,
    key: &'static str,
    read: impl Fn(&Entry) -> Option<T>,
) -> Result<Vec<T>, RecordError> {
    let text = data.get(key).map_or("", String::as_str);
    let entries = record_text::read(text).map_err(|BadLine { line }| RecordError::Unreadable {
        key,
        why: format!("breaks at line {line}"),
    })?;
    let values = entries.iter().enumerate().map(|(index, entry)| {
        read(entry).ok_or_else(|| RecordError::Unreadable {
            key,
            why: format!("has an entry {} that lacks a field", index + 1),
        })
    });
    values.collect()
}

impl Revision {
    fn entry(&self) -> Entry {
        Entry::default()
            .with("revision", self.number)
            .with("outcome", self.outcome)
            .with("hash", &self.hash)
            .with("hashVersion", self.hash_version)
            .with_some("author", self.author.as_ref())
            .with("started", to_second(self.started))
            .with_some("applied", self.applied.map(to_second))
            .with_some("finished", self.finished.map(to_second))
            .with_some("succeeded", self.succeeded.map(to_second))
            .with_some("rollback", self.rollback.as_ref())
            .with_some("images", (!self.images.is_empty()).then(|| self.images.join(" ")))
            .with_some("changeCause", self.change_cause.as_ref())
    }

    fn read(entry: &Entry) -> Option<Self> {
        let time = |name| entry.get(name).map(str::parse::<Timestamp>).transpose().ok();
        let images = entry.get("images").unwrap_or_default();
        Some(Self {
            number: entry.get("revision")?.parse().ok()?,
            hash: RevisionHash::read(entry.get("hash")?)?,
            hash_version: entry.get("hashVersion")?.parse().ok()?,
            outcome: Outcome::read(entry.get("outcome")?)?,
            started: time("started")??,
            applied: time("applied")?,
            finished: time("finished")?,
            succeeded: time("succeeded")?,
            rollback: entry.get("rollback").map(str::to_owned),
            images: images.split_whitespace().map(str::to_owned).collect(),
            author: entry.get("author").map(str::to_owned),
            change_cause: entry.get("changeCause").map(str::to_owned),
        })
    }
}

impl Pin {
    fn entry(&self) -> Entry {
        let entry = Entry::default()
            .with("hash", &self.hash)
            .with("insteadOf", &self.instead_of);
        let entry = match &self.cause {
            PinCause::Requested { by } => entry.with("cause", "Requested").with_some("by", by.as_ref()),
            PinCause::Undone => entry.with("cause", "Undone"),
            PinCause::Automatic { why } => entry.with("cause", "Automatic").with("why", why),
        };
        entry.with("since", to_second(self.since))
    }

    fn read(entry: &Entry) -> Option<Self> {
        Some(Self {
            hash: RevisionHash::read(entry.get("hash")?)?,
            instead_of: RevisionHash::read(entry.get("insteadOf")?)?,
            cause: match entry.get("cause")? {
                "Requested" => PinCause::Requested {
                    by: entry.get("by").map(str::to_owned),
                },
                "Undone" => PinCause::Undone,
                "Automatic" => PinCause::Automatic {
                    why: entry.get("why").unwrap_or_default().to_owned(),
                },
                _ => return None,
            },
            since: entry.get("since")?.parse().ok()?,
        })
    }
}

/// A time as people read it: to the second.
fn to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

impl Outcome {
    const ALL: [Self; 4] = [Self::InProgress, Self::Succeeded, Self::Failed, Self::Superseded];

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.to_string() == text)
    }
}

impl HookKey {
    fn entry(&self) -> Entry {
        Entry::default()
            .with("hook", &self.name)
            .with("phase", self.phase)
            .with("hash", &self.hash)
    }

    fn read(entry: &Entry) -> Option<Self> {
        Some(Self {
            hash: RevisionHash::read(entry.get("hash")?)?,
            phase: Phase::read(entry.get("phase")?)?,
            name: entry.get("hook")?.to_owned(),
        })
    }
}

impl HookRun {
    fn entry(&self) -> Entry {
        let entry = self.key.entry().with("attempt", self.attempt);
        let entry = match &self.outcome {
            HookOutcome::Succeeded => entry.with("outcome", "Succeeded"),
            HookOutcome::Retried => entry.with("outcome", "Retried"),
            HookOutcome::Skipped { by } => entry.with("outcome", "Skipped").with_some("by", by.as_ref()),
            HookOutcome::Failed { exit_code, message } => entry
                .with("outcome", "Failed")
                .with_some("exitCode", *exit_code)
                .with("message", message),
        };
        entry.with("finished", to_second(self.finished))
    }

    fn read(entry: &Entry) -> Option<Self> {
        Some(Self {
            key: HookKey::read(entry)?,
            attempt: entry.get("attempt")?.parse().ok()?,
            outcome: match entry.get("outcome")? {
                "Succeeded" => HookOutcome::Succeeded,
                "Retried" => HookOutcome::Retried,
                "Skipped" => HookOutcome::Skipped {
                    by: entry.get("by").map(str::to_owned),
                },
                "Failed" => HookOutcome::Failed {
                    exit_code: entry.get("exitCode").and_then(|code| code.parse().ok()),
                    message: entry.get("message").unwrap_or_default().to_owned(),
                },
                _ => return None,
            },
            finished: entry.get("finished")?.parse().ok()?,
        })
    }
}

impl InventoryEntry {
    fn entry(&self, key: &ObjectKey) -> Entry {
        Entry::default()
            .with("kind", &key.kind)
            .with("name", &key.name)
            .with("apiVersion", key.api_version())
            .with_some("uid", self.uid.as_ref())
            .with_some("rendered", self.rendered.as_ref().map(Digest::as_str))
            .with_some("owned", self.owned.as_ref().map(Digest::as_str))
    }

    fn read(entry: &Entry) -> Option<(ObjectKey, Self)> {
        let api_version = entry.get("apiVersion")?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let key = ObjectKey {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: entry.get("kind")?.to_owned(),
            name: entry.get("name")?.to_owned(),
        };
        let read = Self {
            uid: entry.get("uid").map(str::to_owned),
            rendered: entry.get("rendered").and_then(Digest::read),
            owned: entry.get("owned").and_then(Digest::read),
        };
        Some((key, read))
    }
}
