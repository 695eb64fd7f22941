//! What a person asks for by annotation, and what hooks ask for.

use super::*;

#[test]
fn s59_a_skipped_hook_is_recorded_with_who_and_delivery_goes_on() {
    let mut skipped = failed();
    let short = hash().short().to_owned();
    skipped.app.skip = Some(format!("pre/migrate of {short} by alice"));
    let (
        Action::WriteRecord {
            record: next,
            change: RecordChange::Skipped(Some(run)),
            ..
        },
        _,
    ) = acts(skipped.clone())
    else {
        panic!("the request is recorded first")
    };
    let by = Some("alice".to_owned());
    assert_eq!(run.outcome, HookOutcome::Skipped { by });
    assert_eq!(next.history[0].outcome, Outcome::InProgress);
    *record(&mut skipped) = *next;
    let (
        Action::WriteRecord {
            record: next,
            change: RecordChange::Succeeded,
            ..
        },
        _,
    ) = acts(skipped.clone())
    else {
        panic!("everything else is there")
    };
    *record(&mut skipped) = *next;
    let report = waits(skipped, &WaitFor::Change, Reason::Succeeded);
    let pre = &report.conditions[&ConditionType::PreHooksSucceeded];
    assert_eq!(pre.state, ConditionStatus::True);
    assert!(pre.message.contains("skipped: migrate"), "{}", pre.message);
    assert!(report.handled["platform.kubeop.io/skip-hook"].starts_with("pre/migrate of"));
}

#[test]
fn s59_a_request_that_names_no_failed_hook_changes_nothing_but_that_it_was_read() {
    for value in ["other", "post/migrate", "migrate of 000000000000 by eve", ""] {
        let mut asked = failed();
        asked.app.skip = Some(value.to_owned());
        let (
            Action::WriteRecord {
                record: next,
                change: RecordChange::Skipped(None),
                ..
            },
            _,
        ) = acts(asked.clone())
        else {
            panic!("{value:?}: it is noted")
        };
        assert_eq!(next.hooks, record(&mut asked).hooks, "{value:?}");
        *record(&mut asked) = *next;
        waits(asked, &WaitFor::Person, Reason::HookFailed);
    }
}

/// An App that wants its ConfigMap before its hook, of which nothing is there yet.
fn fresh(needs: HookNeeds) -> Observed {
    changed(|o| {
        let Ok(wanted) = &mut o.wanted else {
            panic!("it can be read")
        };
        wanted.needs = needs;
        let config = WantedObject {
            key: key("ConfigMap"),
            stage: Stage::Configuration,
            rendered: rendered(),
        };
        wanted.objects.insert(0, config);
        o.live.clear();
        let record = record(o);
        record.hooks.clear();
        record.delivered = None;
        record.history[0].outcome = Outcome::InProgress;
        record.history[0].applied = None;
        record.inventory = ["ConfigMap", "Service", "Thing"]
            .map(|kind| (key(kind), InventoryEntry::default()))
            .into();
    })
}

#[test]
fn s47_configuration_comes_before_the_hooks_only_where_they_need_it() {
    let hook = Action::RunHook {
        key: hook(Phase::Pre),
        attempt: 1,
    };
    assert_eq!(acts(fresh(HookNeeds::None)).0, hook);
    let mut needing = fresh(HookNeeds::Config);
    let first = Action::Apply {
        stage: Stage::Configuration,
        objects: vec![target("ConfigMap", None)],
        cause: ApplyCause::Changed,
        of: Source::Wanted,
    };
    assert_eq!(acts(needing.clone()).0, first);
    let entry = InventoryEntry {
        uid: Some("o1".into()),
        rendered: Some(rendered()),
        owned: Some(rendered()),
    };
    needing.applied.insert(key("ConfigMap"), entry);
    let live = steady().live[&key("Service")].clone();
    needing.live.insert(key("ConfigMap"), live);
    assert_eq!(acts(needing).0, hook, "and nothing else does");
}
