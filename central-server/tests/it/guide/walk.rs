//! The whole way, in the guide's order, on one installation.

use std::time::{Duration, Instant};

use super::editor::Editor;
use super::step9::Person;
use super::{Service, hashes, step8, step9, step10, variables};
use crate::support::Cluster;

#[tokio::test]
async fn steps_8_to_10_succeed_by_copy_and_paste() {
    // Step 6: the server runs already and has found an empty database.
    let db = Cluster::get().empty().await;
    let service = Service::on(&db).await;
    let variables = variables(&db.url());

    let editor = Editor::open(&db).await;
    step8::paste(&editor, &step8::init_db()).await;
    step8::paste(&editor, &step8::analytics()).await;
    step8::add_mfa_and_look(&editor).await;

    step9::option_a(service.port(), &variables).await;
    let password = "Mêlée fermée 15";
    let hash = hashes::by_pgcrypto(password).await;
    let person = Person { email: "b@club.test", name: "Deuxième Essai", password, hash: &hash };
    step9::option_b(service.port(), &db, &person).await;

    step10::health(service.port());
    step10::api(service.port());
    step10::documentation(service.port());

    // What the guide calls secret is nowhere in the log.
    let log = service.stopped().await;
    let secrets = ["DATABASE_URL", "SUPABASE_SERVICE_KEY", "REDIS_URL", "JWT_SECRET", "MFA_ENCRYPTION_KEY"];
    for (name, value) in variables.iter().filter(|(name, _)| secrets.contains(&name.as_str())) {
        assert!(!log.contains(value), "{name} is in the log");
    }
    for said in [password, "Échappée", &hash, db_password(&db.url())] {
        assert!(!log.contains(said), "{said} is in the log");
    }
    assert!(log.contains("listening") && log.contains("/api/auth/login"), "there is a log to be searched: {log}");
}

#[tokio::test]
async fn a_database_that_was_pasted_first_serves_at_once() {
    let db = Cluster::get().empty().await;
    let editor = Editor::open(&db).await;
    step8::paste(&editor, &step8::init_db()).await;
    step8::paste(&editor, &step8::analytics()).await;
    step8::add_mfa_and_look(&editor).await;
    let start = Instant::now();
    let service = Service::on(&db).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    step9::option_a(service.port(), &variables(&db.url())).await;
    step10::health(service.port());
}

fn db_password(url: &str) -> &str {
    url.split([':', '@']).nth(2).expect("a password in the address")
}
