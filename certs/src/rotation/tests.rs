//! Tables of plans and steps, and a long life.

use super::*;
use crate::Validity;
use Step::{Introduce, Keep, Make, Promote, Tidy};

/// Hours after the CA of the tables was made. Leaves live for 24, CAs for 300.
fn at(hours: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::hours(hours)
}

fn lifetimes() -> Lifetimes {
    Lifetimes::new(Duration::hours(300), Duration::hours(24)).unwrap()
}

fn ca(made: i64, ends: i64) -> Authority {
    Authority::new("x", at(made), Duration::hours(ends - made)).unwrap()
}

fn bundle(cas: &[&Authority]) -> Bundle {
    cas.iter().map(|authority| authority.ca().clone()).collect()
}

fn kept(signing: &Authority, next: Option<&Authority>, old: &[(&Authority, i64)]) -> Kept {
    Kept {
        signing: signing.clone(),
        next: next.cloned(),
        old: old
            .iter()
            .map(|(authority, until)| Old {
                ca: authority.ca().clone(),
                until: at(*until),
            })
            .collect(),
    }
}

/// What is kept, what each client trusts, the hour; the step that is wanted, and when another one is due.
type Row<'r> = (&'r str, Option<Kept>, Vec<Bundle>, i64, Step, Option<i64>);

fn check(rows: Vec<Row<'_>>) {
    for (what, held, registered, now, step, due) in rows {
        let due = due.map(at);
        let made = plan(held.as_ref(), &registered, at(now), lifetimes());
        assert_eq!(made, Plan { step, due }, "{what}");
    }
}

/// One client that trusts these.
fn by(cas: &[&Authority]) -> Vec<Bundle> {
    vec![bundle(cas)]
}

#[test]
fn s15_one_ca_follows_the_other() {
    let (a, b) = (ca(0, 300), ca(200, 500));
    let alone = || Some(kept(&a, None, &[]));
    let both = || Some(kept(&a, Some(&b), &[]));
    let after = || Some(kept(&b, None, &[(&a, 237)]));
    let halves = vec![bundle(&[&a, &b]), bundle(&[&a])];
    check(vec![
        ("fresh", alone(), by(&[&a]), 0, Keep, Some(200)),
        ("fresh, not trusted yet", alone(), by(&[]), 0, Keep, Some(200)),
        ("no client at all", alone(), vec![], 0, Keep, Some(200)),
        ("clocks differ", alone(), by(&[&a]), -1, Keep, Some(200)),
        ("two thirds", alone(), by(&[&a]), 200, Introduce, None),
        ("next one waits", both(), by(&[&a, &b]), 200, Keep, Some(201)),
        ("next one signs", both(), by(&[&a, &b]), 201, Promote, None),
        ("a client does not trust it", both(), halves, 250, Keep, None),
        ("old one stays", after(), by(&[&a, &b]), 236, Keep, Some(237)),
        ("old one is let go", after(), by(&[&a, &b]), 237, Keep, Some(400)),
        ("and forgotten", after(), by(&[&b]), 237, Tidy, None),
    ]);
}

#[test]
fn s15_what_is_lost_or_ended_or_comes_back() {
    let (a, b) = (ca(0, 300), ca(200, 500));
    let (lost, short, ended) = (ca(-100, 400), ca(0, 20), ca(-9, -5));
    let alone = || Some(kept(&a, None, &[]));
    let both = || Some(kept(&a, Some(&b), &[]));
    let short_alone = Some(kept(&short, None, &[]));
    let short_and_next = Some(kept(&short, Some(&ca(1, 301)), &[]));
    check(vec![
        ("nothing", None, vec![], 0, Make, None),
        ("nothing, but trusted", None, by(&[&lost]), 0, Make, None),
        ("ended", alone(), by(&[&a]), 300, Make, None),
        (
            "ended, and there is a next",
            both(),
            by(&[&a]),
            300,
            Promote,
            None,
        ),
        ("not good yet", alone(), by(&[&a]), -2, Make, None),
        ("an old backup", alone(), by(&[&lost]), 1, Tidy, None),
        ("an old backup, ended", alone(), by(&[&lost]), 301, Make, None),
        (
            "an ended stranger",
            alone(),
            by(&[&a, &ended]),
            0,
            Keep,
            Some(200),
        ),
        (
            "ends before its leaf",
            short_alone,
            by(&[&short]),
            0,
            Introduce,
            None,
        ),
        (
            "whose next signs at once",
            short_and_next,
            vec![],
            1,
            Promote,
            None,
        ),
    ]);
}

#[test]
fn s15_no_trust_is_lost_by_any_step() {
    let a = ca(0, 300);
    let (b, lost) = (ca(200, 500), ca(-100, 400));
    for (step, held, registered, now, wanted) in [
        (Make, None, vec![bundle(&[&lost])], 0, vec![(&lost, 36)]),
        (
            Make,
            Some(kept(&a, Some(&b), &[])),
            vec![],
            210,
            vec![(&a, 246), (&b, 246)],
        ),
        (
            Introduce,
            Some(kept(&a, None, &[])),
            vec![bundle(&[&a, &lost])],
            200,
            vec![(&lost, 236)],
        ),
        (
            Promote,
            Some(kept(&a, Some(&b), &[])),
            vec![bundle(&[&a, &b])],
            201,
            vec![(&a, 237)],
        ),
        (
            Tidy,
            Some(kept(&a, None, &[])),
            vec![bundle(&[&lost]), bundle(&[&lost])],
            1,
            vec![(&lost, 37)],
        ),
        // Its time is over, but a client still has it: it stays known, or it would come back as a stray.
        (
            Tidy,
            Some(kept(&b, None, &[(&a, 237), (&lost, 237)])),
            vec![bundle(&[&a, &b])],
            238,
            vec![(&a, 237)],
        ),
    ] {
        let taken = take(step, held, &registered, at(now), lifetimes(), "x").unwrap();
        let wanted = kept(&taken.signing, None, &wanted).old;
        assert_eq!(taken.old, wanted, "{step:?}");
        let again = plan(Some(&taken), &registered, at(now), lifetimes()).step;
        assert_eq!(again, Keep, "after {step:?}");
    }
}

#[test]
fn s15_who_signs_after_a_step() {
    let (a, b) = (ca(0, 300), ca(200, 500));
    let both = kept(&a, Some(&b), &[]);
    let after = |step| take(step, Some(both.clone()), &[], at(201), lifetimes(), "x").unwrap();
    assert_eq!(after(Promote).signing.ca(), b.ca());
    assert_eq!(after(Tidy).signing.ca(), a.ca());
    let made = after(Make);
    assert!(![a.ca(), b.ca()].contains(&made.signing.ca()));
    let life = Validity {
        from: at(200),
        until: at(501),
    };
    assert_eq!(made.signing.ca().validity(), life);
    let introduced = take(
        Introduce,
        Some(kept(&a, None, &[])),
        &[],
        at(201),
        lifetimes(),
        "x",
    )
    .unwrap();
    assert_eq!(introduced.signing.ca(), a.ca());
    assert!(introduced.bundle(at(201)).contains(introduced.next.unwrap().ca()));
}

/// A whole life: the CA that signs always has time for a whole leaf, and is trusted before it signs.
#[test]
fn s15_ten_rotations() {
    let mut held: Option<Kept> = None;
    let mut registered = Vec::new();
    let mut signers: Vec<CaCertificate> = Vec::new();
    let mut now = at(0);
    while now < at(2200) {
        let made = plan(held.as_ref(), &registered, now, lifetimes());
        if made.step != Keep {
            held = Some(take(made.step, held, &registered, now, lifetimes(), "x").unwrap());
        }
        let kept = held.as_ref().unwrap();
        let signer = kept.signing.ca();
        if signers.last() != Some(signer) {
            assert!(registered.iter().all(|bundle| bundle.contains(signer)));
            signers.push(signer.clone());
        }
        assert!(signer.validity().until >= now + lifetimes().leaf());
        registered = vec![kept.bundle(now)];
        assert!(registered[0].iter().count() <= 2);
        now = made.due.unwrap_or(now + Duration::MINUTE);
    }
    assert_eq!(signers.len(), 11);
}

#[test]
fn lifetimes_that_leave_no_time_are_refused() {
    for (ca, leaf, wanted) in [
        (40, 10, None),
        (39, 10, Some(LifetimesError::ShortCa)),
        (400, 9, Some(LifetimesError::ShortLeaf)),
    ] {
        let made = Lifetimes::new(Duration::seconds(ca), Duration::seconds(leaf));
        assert_eq!(made.err(), wanted, "{ca} {leaf}");
    }
}
