//! What a tenant's program gets to see, with a token of its person: what the person does.

use std::collections::BTreeSet;

use neopro_central::db::without_first_wall;

use super::canaries::{counts_are_right, due, everything};
use super::rights::opened_by;
use super::world::World;
use crate::support::TestApp;

/// The world, in which every tenant shows a token in the place of its session.
async fn world_of_programs(app: &TestApp) -> World {
    let mut world = World::build(app).await;
    for tenant in &mut world.tenants {
        let (_, token) = app.api_token(&tenant.token, &["read"]).await;
        tenant.token = token;
    }
    world
}

async fn sees_its_own_and_no_word_of_another(app: &TestApp, world: &World) {
    let heard = everything(app, world).await;
    assert_eq!(heard.leaks, BTreeSet::new());
    let is_opened = |told: &&String| told.rsplit_once(" to ").is_some_and(|(route, _)| opened_by(route).is_some());
    let due: BTreeSet<String> = due().iter().filter(is_opened).cloned().collect();
    assert!(due.len() >= 10, "{due:?}");
    assert_eq!(due.difference(&heard.own).collect::<Vec<_>>(), Vec::<&String>::new(), "silent: {:?}", heard.silent);
    let beyond: Vec<&String> = heard.own.iter().filter(|told| !is_opened(told)).collect();
    assert!(beyond.is_empty(), "{beyond:?} is opened to programs");
    counts_are_right(app, world).await;
}

#[tokio::test]
async fn a_program_sees_what_its_tenant_does_and_no_word_of_another() {
    let app = TestApp::new().await;
    let world = world_of_programs(&app).await;
    sees_its_own_and_no_word_of_another(&app, &world).await;
}

#[tokio::test]
async fn the_second_wall_alone_holds_for_programs() {
    let app = TestApp::new().await;
    let world = world_of_programs(&app).await;
    without_first_wall(sees_its_own_and_no_word_of_another(&app, &world)).await;
}
