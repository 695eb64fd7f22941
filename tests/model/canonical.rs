//! Versions and uids only ever are compared with those of the same object: what counts is which are equal. So
//! they are numbered anew after each event, and two ways to the same situation lead to one state.

use std::collections::{BTreeMap, BTreeSet};

use kubeop_shared::delivery::Action;
use kubeop_shared::revision::{InventoryEntry, ObjectKey, Record};

use crate::world::{App, Mind, Thing, World};

/// Numbers that are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    App,
    Record,
    Thing(ObjectKey),
}

type Visit<'v> = &'v mut dyn FnMut(Kind, &mut u64);

impl World {
    /// Numbers all versions and uids anew.
    pub fn renumber(&mut self) {
        let mut used: BTreeMap<Kind, BTreeSet<u64>> = BTreeMap::new();
        self.numbers(&mut |kind, number| {
            used.entry(kind).or_default().insert(*number);
        });
        let mut highest = 0;
        self.numbers(&mut |kind, number| {
            let rank = used
                .get(&kind)
                .map_or(0, |numbers| numbers.range(..*number).count());
            *number = u64::try_from(rank).unwrap_or(u64::MAX) + 1;
            highest = highest.max(*number);
        });
        self.clock = highest;
    }

    fn numbers(&mut self, visit: Visit<'_>) {
        of_app(self.app.as_mut(), visit);
        of_record(self.record.as_mut(), visit);
        of_things(&mut self.things, visit);
        self.mind.numbers(visit);
        if let Some(late) = &mut self.late {
            late.mind.numbers(visit);
            of_action(&mut late.action, visit);
        }
    }
}

impl Mind {
    fn numbers(&mut self, visit: Visit<'_>) {
        of_app(self.app.as_mut(), visit);
        of_record(self.record.as_mut(), visit);
        of_things(&mut self.things, visit);
        of_entries(&mut self.applied, visit);
        if let Some(look) = &mut self.look {
            visit(Kind::App, &mut look.of);
            if let Some(version) = &mut look.record {
                visit(Kind::Record, version);
            }
            of_things(&mut look.things, visit);
        }
    }
}

fn of_app(app: Option<&mut App>, visit: Visit<'_>) {
    if let Some(app) = app {
        visit(Kind::App, &mut app.version);
    }
}

fn of_record(record: Option<&mut (Record, u64)>, visit: Visit<'_>) {
    if let Some((record, version)) = record {
        visit(Kind::Record, version);
        of_entries(&mut record.inventory, visit);
    }
}

fn of_things(things: &mut BTreeMap<ObjectKey, Thing>, visit: Visit<'_>) {
    for (key, thing) in things {
        visit(Kind::Thing(key.clone()), &mut thing.uid);
        visit(Kind::Thing(key.clone()), &mut thing.version);
    }
}

fn of_entries(entries: &mut BTreeMap<ObjectKey, InventoryEntry>, visit: Visit<'_>) {
    for (key, entry) in entries {
        if let Some(uid) = &mut entry.uid {
            of_text(Kind::Thing(key.clone()), uid, visit);
        }
    }
}

fn of_action(action: &mut Action, visit: Visit<'_>) {
    match action {
        Action::WriteRecord { record, over, .. } => {
            if let Some(over) = over {
                of_text(Kind::Record, over, visit);
            }
            of_entries(&mut record.inventory, visit);
        }
        Action::Apply { objects, .. } => {
            for target in objects {
                if let Some(over) = &mut target.over {
                    of_text(Kind::Thing(target.key.clone()), over, visit);
                }
            }
        }
        Action::Delete {
            key,
            uid,
            resource_version,
        } => {
            of_text(Kind::Thing(key.clone()), uid, visit);
            of_text(Kind::Thing(key.clone()), resource_version, visit);
        }
        _ => {}
    }
}

fn of_text(kind: Kind, text: &mut String, visit: Visit<'_>) {
    // A uid says what kind of object it is of.
    let (prefix, digits) = text
        .rsplit_once('-')
        .map_or((String::new(), text.as_str()), |(kind, digits)| {
            (format!("{kind}-"), digits)
        });
    if let Ok(mut number) = digits.parse() {
        visit(kind, &mut number);
        *text = format!("{prefix}{number}");
    }
}
