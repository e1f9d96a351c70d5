use practice::audit::reads::{of_practice, of_record};
use practice::patients::reads::{self, EntryFilter, seen};
use practice::patients::writes::{self, Severity};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Actor, AuditFilter, Purpose, Role, StoreError};
use testkit::House;

use crate::desk::{draft, form, found, search, write_down};

#[tokio::test]
async fn another_practices_ids_are_nowhere() {
    let house = House::open().await;
    let here = house.actor(house.practice().await, &[Role::Practitioner]).await;
    let there = house.actor(house.practice().await, &[Role::Practitioner]).await;
    let theirs = write_down(&house, &there, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let nowhere = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Missing)));
    nowhere(reads::open(&house.store, &here, theirs).await.map(|_| ()));
    nowhere(reads::entries(&house.store, &here, theirs, &EntryFilter::default()).await.map(|_| ()));
    nowhere(of_record(&house.store, &here, theirs, None).await.map(|_| ()));
    nowhere(writes::add_alert(&house.store, &here, house.key(), theirs, Severity::High, "x").await);
    let mine = form("L", "M", "7/3/1984");
    nowhere(writes::edit(&house.store, &here, house.key(), theirs, seen(1), &mine, &draft(&mine)).await);
    let identifier = kernel::IdentifierId::new(testkit::START, house.store.entropy());
    nowhere(reads::reveal(&house.store, &here, theirs, identifier, Purpose::Legal).await.map(|_| ()));
    assert_eq!(found(&house, &here, "mok").await, []);
}

/// What somebody does in a practice.
#[derive(Debug, Clone)]
enum Act {
    WriteDown(u8),
    Search(u8),
    Alert,
    Log,
}

fn acts() -> impl Strategy<Value = Vec<(bool, Act)>> {
    let act = prop_oneof![
        (0..4_u8).prop_map(Act::WriteDown),
        (0..4_u8).prop_map(Act::Search),
        Just(Act::Alert),
        Just(Act::Log)
    ];
    proptest::collection::vec((any::<bool>(), act), 1..10)
}

const FAMILIES: [&str; 4] = ["Mokoena", "Mokoatle", "Naidoo", "Nkosi"];

/// What an act shows, without ids: those are drawn at random.
async fn shown(house: &House, actor: &Actor, act: &Act) -> String {
    match act {
        Act::WriteDown(n) => {
            let form = form("Ana", FAMILIES[usize::from(*n)], "7/3/1984");
            match writes::create(&house.store, actor, house.key(), &form, &draft(&form), false).await {
                Ok(_) => "made".to_owned(),
                Err(error) => error.to_string(),
            }
        }
        Act::Search(n) => {
            let found = search(house, actor, &FAMILIES[usize::from(*n)][..3]).await.unwrap();
            let names: Vec<String> =
                found.patients.iter().map(|p| p.as_ref().unwrap().demographics().name().unwrap().display()).collect();
            format!("{names:?} {}", found.more)
        }
        Act::Alert => {
            let Some(id) = found(house, actor, "ana").await.first().copied() else { return "nobody".to_owned() };
            let added = writes::add_alert(&house.store, actor, house.key(), id, Severity::Usual, "x").await;
            let page = reads::open(&house.store, actor, id).await.unwrap();
            format!("{added:?} {} {}", page.alerts.len(), page.other_readers)
        }
        Act::Log => {
            let log = of_practice(&house.store, actor, &AuditFilter::default()).await.unwrap();
            let acts: Vec<String> = log.lines.lines.iter().map(|line| line.action.clone()).collect();
            format!("{acts:?} {}", log.lines.next.is_some())
        }
    }
}

/// The acts of two practices, mixed, show each what its own acts alone would have shown.
#[test]
fn what_a_practice_sees_is_what_it_would_see_alone() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let roles = [Role::Practitioner, Role::Administrator];
    let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&acts(), |acts| {
            runtime.block_on(async {
                let house = House::open().await;
                let (a, b) = (
                    house.actor(house.practice().await, &roles).await,
                    house.actor(house.practice().await, &roles).await,
                );
                let alone = house.actor(house.practice().await, &roles).await;
                let (mut mixed, mut by_itself) = (Vec::new(), Vec::new());
                for (first, act) in &acts {
                    let said = shown(&house, if *first { &a } else { &b }, act).await;
                    if *first {
                        mixed.push(said);
                    }
                }
                for (_, act) in acts.iter().filter(|(first, _)| *first) {
                    by_itself.push(shown(&house, &alone, act).await);
                }
                prop_assert_eq!(mixed, by_itself);
                Ok(())
            })
        })
        .unwrap();
}
