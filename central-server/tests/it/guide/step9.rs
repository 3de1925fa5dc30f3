//! Step 9: the first administrator, made by the command or by SQL with a hash from somewhere else.

use axum::http::Method;
use serde_json::{Value, json};

use super::differences;
use super::document::Document;
use super::editor::Editor;
use super::{Service, borrowed, filled, hashes};
use crate::cloud::network::gallery;
use crate::support::program;
use crate::support::terminal::Terminal;
use crate::support::{Answer, Cluster, TestDb, contract, http};

/// Logs in over a real connection.
pub async fn login(port: u16, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer");
    contract::check(&Method::POST, "/api/auth/login", &answer);
    answer
}

/// The account of a login that has to succeed, and then of the session that it began.
pub async fn account(port: u16, email: &str, password: &str) -> Value {
    let answer = login(port, email, password).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let session = answer.json();
    let token = session["token"].as_str().expect("a token");
    let me = http::send(port, Method::GET, "/api/auth/me", Some(token), None).await.expect("an answer");
    assert_eq!((me.status, &me.json()["id"]), (200, &session["user"]["id"]));
    session["user"].clone()
}

/// Option A, in the service's shell: the command, and its questions in the guide's order.
pub async fn option_a(port: u16, variables: &[(String, String)]) {
    let command = differences::instead_of("   npm run create-admin");
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "./target/release/neopro-central", "the program, as the build leaves it");

    let password = "Échappée belle 9";
    let mut terminal = Terminal::start(&words[1..], &borrowed(variables));
    terminal.answer("Adresse e-mail : ", "premiere@club.test");
    terminal.answer_unseen("Mot de passe (8 caractères au moins) : ", password);
    terminal.answer_unseen("Mot de passe, encore une fois : ", password);
    terminal.answer("Nom complet : ", "Première Essai");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    assert!(!screen.contains("Échappée") && !screen.contains("belle 9"), "the password is seen: {screen}");
    // What is not secret was echoed: the terminal would have shown the password too.
    assert!(screen.contains("premiere@club.test\r\n") && screen.contains("Nom complet : Première Essai"), "{screen}");
    assert!(screen.contains("Compte créé : premiere@club.test (Première Essai), rôle super_admin"), "{screen}");

    let account = account(port, "premiere@club.test", password).await;
    assert_eq!((&account["role"], &account["full_name"]), (&json!("super_admin"), &json!("Première Essai")));
}

/// Option B: the guide's statement, with a hash from another tool in it; then that person logs in.
pub async fn option_b(port: u16, db: &TestDb, person: &Person<'_>) {
    let Person { email, name, password, hash } = person;
    let statement = Document::original().section("Option B").block("sql").to_owned();
    let statement = filled(
        &statement,
        &[("'votre@email.com'", &format!("'{email}'")), (PLACEHOLDER, hash), ("'Votre Nom'", &format!("'{name}'"))],
    );
    let editor = Editor::open(db).await;
    editor.run(&statement).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    assert_eq!(editor.notices(), [""; 0]);
    assert_eq!(stored_hash(db, email).await, *hash);

    for wrong in [password.to_lowercase(), password.replace('é', "e").replace('É', "E"), (*hash).to_owned()] {
        if wrong != *password {
            assert_eq!(login(port, email, &wrong).await.status, 401, "{wrong}");
        }
    }
    let first = account(port, email, password).await;
    assert_eq!((&first["role"], &first["email"], &first["full_name"]), (&json!("admin"), &json!(email), &json!(name)));
    let ours = stored_hash(db, email).await;
    assert!(ours.starts_with("$argon2id$"), "the first login replaces the hash by ours, not {ours}");
    for spelling in [email.to_uppercase(), (*email).to_owned()] {
        assert_eq!(account(port, &spelling, password).await["id"], first["id"], "{spelling}");
    }
    assert_eq!(stored_hash(db, email).await, ours, "only the first login");
}

/// What the guide prints where one's own hash belongs.
const PLACEHOLDER: &str = "$2a$12$VOTRE_HASH_ICI";

/// Somebody whose account is made by SQL.
pub struct Person<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub password: &'a str,
    pub hash: &'a str,
}

async fn stored_hash(db: &TestDb, email: &str) -> String {
    let row = db.admin().await.query_one("select password_hash from users where email = $1", &[&email]).await;
    row.expect("the account").get(0)
}

/// A service on a migrated database.
async fn served() -> (TestDb, Service) {
    let db = Cluster::get().migrated().await;
    let service = Service::on(&db).await;
    (db, service)
}

#[tokio::test]
async fn hashes_of_every_kind_and_passwords_with_accents_log_in() {
    let (db, service) = served().await;
    let accents = "Pédalo à 8 h, été ŒUF €";
    let plain = "Tir au but 12";
    for (email, password, hash) in [
        ("a.accents@club.test", accents, hashes::by_pgcrypto(accents).await),
        ("Capitales.B@Club.Test", plain, hashes::by_perl("$2b$", plain)),
        ("b.accents@club.test", accents, hashes::by_perl("$2b$", accents)),
        ("y.accents@club.test", accents, hashes::by_perl("$2y$", accents)),
        ("h.accents@club.test", accents, hashes::by_htpasswd(Some(12), accents)),
        ("h.defaut@club.test", plain, hashes::by_htpasswd(None, plain)),
    ] {
        option_b(service.port(), &db, &Person { email, name: "Noël Essai", password, hash: &hash }).await;
    }
}

#[tokio::test]
async fn a_statement_with_its_placeholders_left_makes_an_account_that_nobody_can_enter() {
    let (db, service) = served().await;
    let statement = Document::original().section("Option B").block("sql").to_owned();
    let editor = Editor::open(&db).await;
    editor.run(&statement).await.expect("the block as it stands");
    assert_eq!(stored_hash(&db, "votre@email.com").await, PLACEHOLDER);
    for password in [PLACEHOLDER, "VOTRE_HASH_ICI", "votre mot de passe", " "] {
        let answer = login(service.port(), "votre@email.com", password).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{}", answer.text);
    }
    let twice = editor.run(&statement).await.expect_err("the address is taken");
    assert!(twice.contains("users_email_key"), "{twice}");
    let capitals = filled(&statement, &[("votre@email.com", "Votre@Email.COM")]);
    editor.run(&capitals).await.expect_err("in whatever capitals");
}

#[tokio::test]
async fn an_admin_of_option_b_becomes_a_super_admin_or_makes_one() {
    let (db, service) = served().await;
    let hash = hashes::by_perl("$2b$", "Tir au but 12");
    let person = Person { email: "b@club.test", name: "Par SQL", password: "Tir au but 12", hash: &hash };
    option_b(service.port(), &db, &person).await;

    let url = db.url();
    let flags = ["create-admin", "--email", "a@club.test", "--full-name", "Par la commande", "--password-stdin"];
    let made = program::run(&flags, &[("DATABASE_URL", &url)], "Échappée belle 9\n");
    assert!(made.status.success(), "{}", program::words(&made));
    assert_eq!(account(service.port(), "a@club.test", "Échappée belle 9").await["role"], "super_admin");

    let granted = program::run(&["grant-role", "B@club.test", "super_admin"], &[("DATABASE_URL", &url)], "");
    assert!(granted.status.success(), "{}", program::words(&granted));
    assert_eq!(account(service.port(), "b@club.test", "Tir au but 12").await["role"], "super_admin");
}

/// The page of accounts tells him what to do, and that does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_whom_nobody_rules_reads_in_a_browser_how_to_become_a_super_admin_and_becomes_one() {
    let (db, service) = served().await;
    let hash = hashes::by_perl("$2b$", "Tir au but 12");
    let person = Person { email: "b@club.test", name: "Par SQL", password: "Tir au but 12", hash: &hash };
    option_b(service.port(), &db, &person).await;
    let dashboard = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../central-dashboard");
    let asked = json!({
        "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", service.port()),
        "email": person.email, "password": person.password, "program": env!("CARGO_BIN_EXE_neopro-central"),
        "database": db.url(), "folder": gallery("admin"),
    });
    let ran = tokio::process::Command::new("node")
        .arg("tests/browser/alone.mjs")
        .arg(asked.to_string())
        .current_dir(dashboard)
        .output()
        .await
        .expect("Node: `cargo xtask test` installs what is missing");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("grant-role b@club.test super_admin"), "{said}");
    let role = db.owner().await.query_one("select role from users where email = 'b@club.test'", &[]).await;
    assert_eq!(role.expect("the account").get::<_, String>(0), "super_admin");
}
