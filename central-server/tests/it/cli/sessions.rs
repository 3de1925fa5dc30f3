//! `grant-role`, and what it does to those who are logged in.

use super::run;
use crate::support::{Cluster, TestApp};

/// What a session may still do.
async fn me(app: &TestApp, token: &str) -> u16 {
    app.get("/api/auth/me").bearer(token).send().await.status
}

#[tokio::test]
async fn another_role_ends_the_sessions_of_the_old_one() {
    let app = TestApp::on(Cluster::get().migrated().await, &[]).await;
    let url = app.db.url();
    app.account("boss@club.test", "super_admin").await;
    app.account("camille@club.test", "operator").await;
    let (boss, old) = (app.login("boss@club.test").await, app.login("camille@club.test").await);
    assert_eq!((me(&app, &boss).await, me(&app, &old).await), (200, 200));

    let (code, said) = run(&url, &["grant-role", "Camille@Club.test", "viewer"], "");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("camille@club.test a maintenant le rôle viewer"), "{said}");
    assert_eq!(me(&app, &old).await, 401, "the old token claims the old role");
    assert_eq!(me(&app, &boss).await, 200, "others are left alone");
    let new = app.login("camille@club.test").await;
    let shown = app.get("/api/auth/me").bearer(&new).send().await.json();
    assert_eq!(shown["role"], "viewer");
}

#[tokio::test]
async fn a_session_that_ended_with_its_role_does_not_come_back_with_it() {
    let app = TestApp::on(Cluster::get().migrated().await, &[]).await;
    let url = app.db.url();
    app.account("boss@club.test", "super_admin").await;
    app.account("camille@club.test", "admin").await;
    let old = app.login("camille@club.test").await;
    for role in ["viewer", "admin"] {
        let (code, said) = run(&url, &["grant-role", "camille@club.test", role], "");
        assert!(code == 0 && said.contains("Ses sessions ouvertes sont terminées."), "{said}");
        assert_eq!(me(&app, &old).await, 401, "said to be over, with the role {role}");
    }
}

#[tokio::test]
async fn the_last_super_admin_stays_one() {
    let app = TestApp::on(Cluster::get().migrated().await, &[]).await;
    let url = app.db.url();
    app.account("boss@club.test", "super_admin").await;
    app.account("resting@club.test", "super_admin").await;
    app.account("camille@club.test", "admin").await;
    app.db
        .owner()
        .await
        .batch_execute("update users set status = 'suspended' where email = 'resting@club.test'")
        .await
        .expect("at rest");
    let token = app.login("boss@club.test").await;
    for role in ["admin", "viewer"] {
        let (code, said) = run(&url, &["grant-role", "BOSS@club.test", role], "");
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("Il ne resterait aucun super_admin actif."), "{said}");
    }
    assert_eq!(me(&app, &token).await, 200, "nothing was changed");

    // Once there is another one, the first may go.
    for (email, role) in [("camille@club.test", "super_admin"), ("boss@club.test", "viewer")] {
        let (code, said) = run(&url, &["grant-role", email, role], "");
        assert_eq!(code, 0, "{said}");
    }
    assert_eq!(me(&app, &token).await, 401);
}

#[tokio::test]
async fn an_unknown_account_or_role_is_a_sentence() {
    let app = TestApp::on(Cluster::get().migrated().await, &[]).await;
    let url = app.db.url();
    // Even while nobody is a super_admin yet, as after option B.
    app.account("camille@club.test", "admin").await;
    for role in ["viewer", "super_admin"] {
        let (code, said) = run(&url, &["grant-role", "nobody@club.test", role], "");
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("Aucun compte n'a l'adresse « nobody@club.test »."), "{role}: {said}");
    }
    for (role, expected, sentence) in [("chef", 2, "rôle inconnu"), ("sponsor", 1, "pas ici"), ("agency", 1, "pas ici")]
    {
        let (code, said) = run(&url, &["grant-role", "camille@club.test", role], "");
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(sentence), "{said}");
    }
    let row = app.db.admin().await.query_one("select role from users", &[]).await.expect("one account");
    assert_eq!(row.get::<_, String>(0), "admin");
}
