//! A person can be taken out of the journal, and the chain holds.

use axum::http::StatusCode;
use serde_json::json;

use super::{breaks, seal, timely, verified};
use crate::support::TestApp;
use crate::support::program::run as run_program;

const CAMILLE: &str = "camille@club.fr";

/// Everything in the journal, as text.
async fn all(app: &TestApp) -> String {
    let sql = "select coalesce(string_agg((a.*)::text, e'\\n'), '') from audit_logs a";
    app.db.owner().await.query_one(sql, &[]).await.expect("the journal").get(0)
}

fn erase(app: &TestApp, words: &[&str]) -> (bool, String) {
    let output = run_program(&[&["erase-person"], words].concat(), &[("DATABASE_URL", &app.db.url())], "");
    (output.status.success(), crate::support::program::words(&output))
}

/// Camille has an account that was made at the command line, and has worked; Dominique too.
async fn with_two_people() -> TestApp {
    let app = timely().await;
    for (email, name) in [(CAMILLE, "Camille Durand"), ("dominique@club.fr", "Dominique Morel")] {
        let words = ["create-admin", "--email", email, "--full-name", name, "--password-stdin"];
        let made = run_program(&words, &[("DATABASE_URL", &app.db.url())], "Tir au but 7\n");
        assert!(made.status.success(), "{}", crate::support::program::words(&made));
        let token = app.login(email).await;
        let site = json!({"site_name": format!("Gymnase de {}", &name[..4]), "club_name": "Club"});
        app.post("/api/sites", site)
            .bearer(&token)
            .header("user-agent", &format!("Firefox of {}", &name[..4]))
            .send()
            .await
            .expect(StatusCode::CREATED);
    }
    let wrong = json!({"email": CAMILLE, "password": "Autre chose 1"});
    app.post("/api/auth/login", wrong).send().await.expect(StatusCode::UNAUTHORIZED);
    app
}

#[tokio::test]
async fn who_is_erased_is_in_no_entry_and_the_chain_holds() {
    let app = with_two_people().await;
    let pool = app.pool();
    // Some of it is sealed, some is not yet.
    let noted = seal(&pool).await;
    let token = app.login(CAMILLE).await;
    app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    let before = all(&app).await;
    for word in [CAMILLE, "Camille Durand", "Firefox of Cami", "Firefox of Domi", "192.0.2.7"] {
        assert!(before.contains(word), "{word}");
    }

    let (is_done, said) = erase(&app, &["--email", "Camille@Club.fr"]);
    assert!(is_done && said.contains("Effacé du journal") && said.contains("existe encore"), "{said}");
    let after = all(&app).await;
    for word in [CAMILLE, "Camille Durand", "Firefox of Cami"] {
        assert!(!after.contains(word), "{word} is still there: {after}");
    }
    for word in ["dominique@club.fr", "Dominique Morel", "Firefox of Domi"] {
        assert!(after.contains(word), "{word} is somebody else's");
    }
    let owner = app.db.owner().await;
    let salts = "select count(*) from audit_logs a join users u on u.id = a.user_id \
         where u.email = $1 and number is not null and actor_salt is not null";
    assert_eq!(
        owner.query_one(salts, &[&CAMILLE]).await.expect("a count").get::<_, i64>(0),
        0,
        "no salt is left to try with"
    );

    assert_eq!(breaks(&pool).await, [""; 0]);
    seal(&pool).await;
    let report = verified(&pool, &[noted]).await;
    assert_eq!(report.breaks, [], "the seals of before still stand");
    assert!(report.erased >= 5, "{}", report.erased);
}

#[tokio::test]
async fn an_account_that_is_gone_is_erased_by_its_address_or_its_id() {
    let app = with_two_people().await;
    let pool = app.pool();
    seal(&pool).await;
    let owner = app.db.owner().await;
    let dominique: String = owner
        .query_one("select id::text from users where email = 'dominique@club.fr'", &[])
        .await
        .expect("an account")
        .get(0);
    owner.batch_execute("delete from users").await.expect("the owner may");
    assert_eq!(breaks(&pool).await, [""; 0], "accounts that go take nothing of it with them");

    let (is_done, said) = erase(&app, &["--email", CAMILLE]);
    assert!(is_done && !said.contains("existe encore"), "{said}");
    assert!(!all(&app).await.contains("Firefox of Cami"), "found by the entry that its account was made");
    let (is_done, said) = erase(&app, &["--user-id", &dominique]);
    assert!(is_done, "{said}");
    let after = all(&app).await;
    assert!(!after.contains("Firefox of Domi") && !after.contains("Dominique"), "{after}");
    assert_eq!(breaks(&pool).await, [""; 0]);
    for words in [&[][..], &["--email", CAMILLE, "--user-id", &dominique], &["--user-id", "x"]] {
        assert!(!erase(&app, words).0, "{words:?}");
    }
}

#[tokio::test]
async fn an_address_without_an_account_is_erased_with_its_mark() {
    let app = timely().await;
    let wrong = json!({"email": "Nobody@club.fr", "password": "Autre chose 1"});
    app.post("/api/auth/login", wrong).send().await.expect(StatusCode::UNAUTHORIZED);
    seal(&app.pool()).await;
    let mark = neopro_central::audit::login_mark("nobody@club.fr");
    assert!(all(&app).await.contains(&mark));
    let (is_done, said) = erase(&app, &["--email", "nobody@club.fr"]);
    assert!(is_done, "{said}");
    assert!(!all(&app).await.contains(&mark));
    assert_eq!(breaks(&app.pool()).await, [""; 0]);
}

/// To take something out is itself an act: without its entry, or in another's name, it is a break.
#[tokio::test]
async fn what_disappears_without_an_erasure_is_found() {
    const ADDRESS: &str = "ip_address = null, user_agent = null, actor_salt = null";
    const ERASURE: &str = "actor_erased_by = (select id from audit_logs where action = 'PERSON_ERASED')";
    const HERS: &str = "user_id = (select id from users where email = 'camille@club.fr') and action = 'SITE_CREATED'";
    const ABOUT_HER: &str = "personal::text like '%camille@club.fr%'";
    let app = with_two_people().await;
    let (pool, owner) = (app.pool(), app.db.owner().await);
    let dominique = "select id::text from users where email like 'dominique%'";
    let dominique: String = owner.query_one(dominique, &[]).await.expect("an account").get(0);
    seal(&pool).await;
    assert!(erase(&app, &["--user-id", &dominique]).0);
    assert_eq!(breaks(&pool).await, [""; 0]);
    owner.batch_execute("create table was as select * from audit_logs").await.expect("a copy");
    for (set, place, words) in [
        (ADDRESS.to_owned(), HERS, "sans qu'un effacement soit noté"),
        ("personal = null, personal_salt = null".into(), ABOUT_HER, "sans qu'un effacement soit noté"),
        (format!("{ADDRESS}, actor_erased_by = gen_random_uuid()"), HERS, "par une entrée qui n'existe pas"),
        (format!("{ADDRESS}, {ERASURE}"), HERS, "au nom d'une autre personne"),
        (format!("actor_salt = null, {ERASURE}"), HERS, "est dit effacé, et ne l'est pas"),
        (ERASURE.into(), HERS, "est dit effacé, et ne l'est pas"),
        (
            "actor_salt = null, actor_erased_by = null".into(),
            "actor_erased_by is not null",
            "sans qu'un effacement soit noté",
        ),
    ] {
        owner.batch_execute(&format!("update audit_logs set {set} where {place}")).await.expect("the owner may");
        let found = breaks(&pool).await;
        assert!(!found.is_empty() && found.iter().all(|found| found.contains(words)), "{set}: {found:?}");
        let back = "update audit_logs a set ip_address = w.ip_address, user_agent = w.user_agent, actor_salt = w.actor_salt, \
             actor_erased_by = w.actor_erased_by, personal = w.personal, personal_salt = w.personal_salt \
             from was w where w.id = a.id";
        owner.batch_execute(back).await.expect("as it was");
        assert_eq!(breaks(&pool).await, [""; 0], "{set}");
    }
}
