//! What an account has to be, what nobody does to himself, and two acts at the same moment.

use axum::http::StatusCode;
use neopro_central::db::{Scalar, query};
use serde_json::{Value, json};

use super::{NOBODY, Person, USERS, actions, journal, set_status, until_waiting};
use crate::support::TestApp;
use crate::walls::tenant;

#[tokio::test]
async fn a_change_keeps_the_rules_of_the_role() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "viewer").await);
    let agency = tenant(&app, "agency").await.id;
    let put = async |body: Value| app.put(&other.path(), body).bearer(&top.token).send().await;
    assert_eq!(put(json!({})).await.status, 400);
    assert_eq!(put(json!({"role": "agency"})).await.expect(StatusCode::BAD_REQUEST).fields(), ["agency_id"]);
    assert_eq!(put(json!({"role": "agency", "agency_id": NOBODY})).await.fields(), ["agency_id"]);
    assert_eq!(put(json!({"email": "TOP@neopro.test"})).await.expect(StatusCode::CONFLICT).code(), "email_taken");
    assert_eq!(other.status(&app).await, 200, "nothing has happened");

    let renamed = put(json!({"email": "Nouvelle@Club.fr", "full_name": "Noé"})).await.expect(StatusCode::OK).json();
    assert_eq!((&renamed["data"]["email"], &renamed["data"]["role"]), (&json!("Nouvelle@Club.fr"), &json!("viewer")));
    assert_eq!(other.status(&app).await, 200, "another name ends no session");
    let moved = put(json!({"role": "agency", "agency_id": agency})).await.expect(StatusCode::OK).json();
    assert_eq!((&moved["data"]["agency_id"], &moved["data"]["agency_name"]), (&json!(agency), &json!("agency")));
    assert_eq!(put(json!({"agency_id": null})).await.expect(StatusCode::BAD_REQUEST).fields(), ["agency_id"]);
    let back = put(json!({"role": "operator"})).await.expect(StatusCode::OK).json();
    assert_eq!(back["data"]["agency_id"], Value::Null, "an operator has no agency");
    assert_eq!(
        app.put(&format!("{USERS}/{NOBODY}"), json!({"role": "admin"})).bearer(&top.token).send().await.status,
        404
    );

    let journal = journal(&app, &other.id).await;
    let changes: Vec<&str> = journal.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(changes, ["USER_UPDATED"; 3], "one entry for each change that happened");
    assert!(journal[1].1.to_string().contains("agency") && !journal[1].1.to_string().contains("argon2"));
}

#[tokio::test]
async fn nobody_lifts_lowers_or_deletes_himself() {
    let app = TestApp::new().await;
    let (top, _second) =
        (Person::new(&app, "top", "super_admin").await, Person::new(&app, "second", "super_admin").await);
    for (body, field) in [
        (json!({"role": "admin"}), "role"),
        (json!({"role": "viewer", "full_name": "X"}), "role"),
        (json!({"status": "inactive"}), "status"),
        (json!({"status": "suspended"}), "status"),
    ] {
        let refused = app.put(&top.path(), body).bearer(&top.token).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused.fields(), [field]);
    }
    assert_eq!(set_status(&app, &top, &top, "inactive").await.expect(StatusCode::BAD_REQUEST).fields(), ["status"]);
    assert_eq!(set_status(&app, &top, &top, "gone").await.expect(StatusCode::BAD_REQUEST).fields(), ["status"]);
    app.delete(&top.path()).bearer(&top.token).send().await.expect(StatusCode::BAD_REQUEST);
    let reset = format!("{}/reset-password", top.path());
    app.post(&reset, json!({"new_password": "Une autre porte 9"}))
        .bearer(&top.token)
        .send()
        .await
        .expect(StatusCode::BAD_REQUEST);
    // The old form always sends the role and the status that one has.
    let own = json!({"full_name": "Moi", "role": "super_admin", "status": "active", "sponsor_id": null});
    let changed = app.put(&top.path(), own).bearer(&top.token).send().await.expect(StatusCode::OK).json();
    assert_eq!(changed["data"]["full_name"], "Moi");
    assert_eq!(top.status(&app).await, 200);
}

#[tokio::test]
async fn two_super_admins_who_take_each_other_away_at_once_leave_one() {
    for act in ["role", "status", "delete"] {
        let app = TestApp::new().await;
        let (one, two) = (Person::new(&app, "one", "super_admin").await, Person::new(&app, "two", "super_admin").await);
        let take_away = async |by: &Person, whose: &Person| match act {
            "role" => app.put(&whose.path(), json!({"role": "admin"})).bearer(&by.token).send().await,
            "status" => set_status(&app, by, whose, "suspended").await,
            _ => app.delete(&whose.path()).bearer(&by.token).send().await,
        };
        // Both have done their deed and wait for the last word.
        let gate = app.db.owner().await;
        gate.batch_execute("begin; select pg_advisory_xact_lock(hashtext('neopro_keep_a_super_admin'))")
            .await
            .expect("a lock");
        let (first, second, ()) = tokio::join!(take_away(&one, &two), take_away(&two, &one), async {
            until_waiting(&app, 2).await;
            gate.batch_execute("commit").await.expect("it opens");
        });
        let mut outcome = [first.status, second.status];
        outcome.sort_unstable();
        assert_eq!(outcome, [200, 409], "{act}: {} {}", first.text, second.text);
        let refused = if first.status == 409 { first } else { second };
        assert_eq!(refused.code(), "last_super_admin");
        let left = "select count(*) from users where role = 'super_admin' and is_active and status = 'active'";
        assert_eq!(gate.query_one(left, &[]).await.expect("a count").get::<_, i64>(0), 1, "{act}");
        let written = "select count(*) from audit_logs where action in ('USER_UPDATED', 'USER_DELETED')";
        assert_eq!(
            gate.query_one(written, &[]).await.expect("a count").get::<_, i64>(0),
            1,
            "only what happened is in the journal"
        );
        let mut still = [one.status(&app).await, two.status(&app).await];
        still.sort_unstable();
        assert_eq!(still, [200, 401], "{act}");
    }
}

#[tokio::test]
async fn the_last_super_admin_stays_whoever_asks_but_the_owner_of_the_tables() {
    let app = TestApp::new().await;
    Person::new(&app, "top", "super_admin").await;
    for act in [
        "update users set role = 'admin' returning 1",
        "update users set is_active = false returning 1",
        "update users set status = 'inactive' returning 1",
        "delete from users returning 1",
    ] {
        let error = app.pool().run_as_system(query(act).all::<Scalar<i32>>()).await.expect_err(act);
        assert!(error.breaks("users_last_super_admin"), "{act}: {error}");
    }
    app.pool()
        .run_as_system(
            query("update users set full_name = 'X', last_login_at = now() returning 1").all::<Scalar<i32>>(),
        )
        .await
        .expect("the rest may change");
    app.db.owner().await.batch_execute("update users set role = 'admin'").await.expect("the guide's SQL editor may");
}

#[tokio::test]
async fn a_change_of_what_is_no_more_so_is_refused_and_leaves_nothing() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "viewer").await);
    let sql = app.db.owner().await;
    sql.execute("begin", &[]).await.expect("a transaction");
    sql.execute("update users set role = 'operator' where email = $1", &[&other.email]).await.expect("somebody else");
    let (refused, ()) =
        tokio::join!(app.put(&other.path(), json!({"full_name": "Trop tard"})).bearer(&top.token).send(), async {
            until_waiting(&app, 1).await;
            sql.execute("commit", &[]).await.expect("the other change");
        });
    assert_eq!(refused.expect(StatusCode::CONFLICT).code(), "changed_meanwhile");
    let now = app.get(&other.path()).bearer(&top.token).send().await.json();
    assert_eq!(
        (&now["data"]["user"]["role"], &now["data"]["user"]["full_name"]),
        (&json!("operator"), &json!("Camille Durand"))
    );
    assert!(actions(&app, &other.id).await.is_empty(), "what did not happen is not in the journal");
}
