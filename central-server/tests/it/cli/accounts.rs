//! `create-admin`.

use super::run;
use crate::support::terminal::Terminal;
use crate::support::{Cluster, TestDb};

const PASSWORD: &str = "Tir au but 7";

/// Runs `create-admin` with an address, a name and further words.
fn create(db: &TestDb, email: &str, further: &[&str], password: &str) -> (i32, String) {
    let mut words = vec!["create-admin", "--email", email, "--full-name", "Camille Durand", "--password-stdin"];
    words.extend(further);
    let (code, said) = run(&db.url(), &words, &format!("{password}\n"));
    assert!(!said.contains(password), "the password is said: {said}");
    (code, said)
}

/// Every account: address, role, and whether it may act with a hash of ours.
async fn accounts(db: &TestDb) -> Vec<(String, String, bool)> {
    let rows = db
        .admin()
        .await
        .query(
            "select email, role, is_active and status = 'active' and password_hash like '$argon2id$%' \
               and full_name = 'Camille Durand' from users order by created_at, email",
            &[],
        )
        .await
        .expect("the accounts");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn the_first_account_manages_the_others_and_the_next_are_admins_unless_told_otherwise() {
    let db = Cluster::get().empty().await;
    for (email, further, role) in [
        ("first@club.test", &[][..], "super_admin"),
        ("second@club.test", &[], "admin"),
        ("third@club.test", &["--role", "viewer"], "viewer"),
        ("fourth@club.test", &["--role", "operator"], "operator"),
        ("  Fifth@Club.Test ", &["--role", "super_admin"], "super_admin"),
    ] {
        let (code, said) = create(&db, email, further, PASSWORD);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(&format!("Compte créé : {} (Camille Durand), rôle {role}", email.trim())), "{said}");
    }
    let expected = [
        ("first@club.test", "super_admin"),
        ("second@club.test", "admin"),
        ("third@club.test", "viewer"),
        ("fourth@club.test", "operator"),
        ("Fifth@Club.Test", "super_admin"),
    ];
    assert_eq!(accounts(&db).await, expected.map(|(email, role)| (email.to_owned(), role.to_owned(), true)));
}

#[tokio::test]
async fn a_super_admin_who_may_not_act_is_none() {
    let db = Cluster::get().migrated().await;
    create(&db, "gone@club.test", &[], PASSWORD);
    db.owner().await.batch_execute("update users set is_active = false").await.expect("an account at rest");
    let (code, said) = create(&db, "next@club.test", &[], PASSWORD);
    assert!(code == 0 && said.contains("rôle super_admin"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_a_sentence_and_makes_nothing() {
    let db = Cluster::get().migrated().await;
    let good = "camille@club.test";
    for (email, further, password, code, sentence) in [
        ("not an address", &[][..], PASSWORD, 1, "« not an address » n'est pas une adresse e-mail valide."),
        ("a@b", &[], PASSWORD, 1, "n'est pas une adresse e-mail valide."),
        ("", &[], PASSWORD, 1, "n'est pas une adresse e-mail valide."),
        (good, &[], "Sept--7", 1, "Le mot de passe doit compter au moins 8 caractères."),
        (good, &[], "éèàùâêî", 1, "Le mot de passe doit compter au moins 8 caractères."),
        (good, &[], "password", 1, "Ce mot de passe est l'un des plus courants : choisissez-en un autre."),
        (good, &[], "PassWord", 1, "Ce mot de passe est l'un des plus courants : choisissez-en un autre."),
        (good, &[], "Camille@Club.test", 1, "Le mot de passe ne doit pas être l'adresse e-mail."),
        (good, &["--role", "sponsor"], PASSWORD, 1, "Le rôle sponsor se donne avec son partenaire ou son agence"),
        (good, &["--role", "agency"], PASSWORD, 1, "Le rôle agency se donne avec son partenaire ou son agence"),
        (good, &["--role", "chef"], PASSWORD, 2, "rôle inconnu"),
        (good, &["--role", "ADMIN"], PASSWORD, 2, "rôle inconnu"),
    ] {
        // The address may be said, so it is not looked for as the password.
        let words = ["create-admin", "--email", email, "--full-name", "Camille Durand", "--password-stdin"];
        let (is, said) = run(&db.url(), &[&words, further].concat(), &format!("{password}\n"));
        assert_eq!(is, code, "{email} {further:?} {password}: {said}");
        assert!(said.contains(sentence), "{email} {further:?} {password}: {said}");
    }
    for name in ["", "  ", "a\tb"] {
        let words = ["create-admin", "--email", good, "--full-name", name, "--password-stdin"];
        let (code, said) = run(&db.url(), &words, &format!("{PASSWORD}\n"));
        assert!(code == 1 && said.contains("Le nom complet est obligatoire"), "{said}");
    }
    assert_eq!(accounts(&db).await, []);
    // Eight characters are enough, however many bytes.
    assert_eq!(create(&db, good, &[], "éèàùâêîô").0, 0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_left_as_it_is() {
    let db = Cluster::get().migrated().await;
    create(&db, "camille@club.test", &[], PASSWORD);
    let account = "select row_to_json(users)::text from users";
    let before: String = db.admin().await.query_one(account, &[]).await.expect("the account").get(0);
    for (email, further) in [
        ("camille@club.test", &[][..]),
        ("Camille@CLUB.test", &["--role", "viewer"]),
        (" camille@club.test ", &["--role", "super_admin"]),
    ] {
        let (code, said) = create(&db, email, further, "Another one 9");
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains(&format!("Un compte existe déjà pour {} : il n'a pas été modifié", email.trim())),
            "{said}"
        );
        assert!(said.contains("grant-role"), "what to do instead: {said}");
    }
    let after: String = db.admin().await.query_one(account, &[]).await.expect("one account still").get(0);
    assert_eq!(after, before);
}

#[tokio::test]
async fn without_a_terminal_what_is_missing_is_named() {
    let db = Cluster::get().migrated().await;
    for (words, input, sentence) in [
        (&[][..], "", "donnez --email, --full-name et --password-stdin"),
        (&["--email", "a@b.test"], "Tir au but 7\n", "utilisez --password-stdin"),
        (&["--email", "a@b.test", "--full-name", "A"], "Tir au but 7\n", "utilisez --password-stdin"),
        (&["--email", "a@b.test", "--password-stdin"], "Tir au but 7\nA\n", "--full-name"),
        (&["--email", "a@b.test", "--full-name", "A", "--password-stdin"], "", "rien n'a été créé"),
    ] {
        let (code, said) = run(&db.url(), &[&["create-admin"], words].concat(), input);
        assert_eq!(code, 1, "{words:?}: {said}");
        assert!(said.contains(sentence), "{words:?}: {said}");
        assert!(!said.contains("Tir au but"), "{words:?}: {said}");
    }
    assert_eq!(accounts(&db).await, []);
}

#[tokio::test]
async fn a_password_is_one_line_with_its_blanks_and_without_its_end() {
    let db = Cluster::get().migrated().await;
    for (email, input) in
        [("unix@club.test", " Tir au but \n"), ("dos@club.test", " Tir au but \r\n"), ("cut@club.test", " Tir au but ")]
    {
        let words = ["create-admin", "--email", email, "--full-name", "Camille Durand", "--password-stdin"];
        let (code, said) = run(&db.url(), &words, input);
        assert_eq!(code, 0, "{said}");
    }
    let app = crate::support::TestApp::on(db, &[]).await;
    for email in ["unix@club.test", "dos@club.test", "cut@club.test"] {
        let body = serde_json::json!({"email": email, "password": " Tir au but "});
        assert_eq!(app.post("/api/auth/login", body).send().await.status, 200, "{email}");
    }
}

#[tokio::test]
async fn at_a_terminal_two_passwords_that_differ_make_nothing() {
    let db = Cluster::get().migrated().await;
    let url = db.url();
    let mut terminal = Terminal::start(&["create-admin"], &[("DATABASE_URL", &url)]);
    terminal.answer("Adresse e-mail : ", "camille@club.test");
    terminal.answer_unseen("Mot de passe (8 caractères au moins) : ", "Tir au but 7");
    terminal.answer_unseen("Mot de passe, encore une fois : ", "Tir au but 8");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(1), "{screen}");
    assert!(screen.contains("Les deux mots de passe diffèrent.") && !screen.contains("Tir au but"), "{screen}");
    assert_eq!(accounts(&db).await, []);
}

#[tokio::test]
async fn at_a_terminal_an_impossible_address_is_refused_before_a_password_is_typed() {
    let db = Cluster::get().migrated().await;
    let url = db.url();
    create(&db, "camille@club.test", &[], PASSWORD);
    for (email, sentence) in [("camille", "n'est pas une adresse"), ("CAMILLE@club.test", "Un compte existe déjà")] {
        let mut terminal = Terminal::start(&["create-admin"], &[("DATABASE_URL", &url)]);
        terminal.answer("Adresse e-mail : ", email);
        let (status, screen) = terminal.end();
        assert_eq!(status.code(), Some(1), "{screen}");
        assert!(screen.contains(sentence) && !screen.contains("Mot de passe"), "{screen}");
    }
}

#[tokio::test]
async fn an_english_locale_is_asked_in_english_and_flags_are_not_asked_for() {
    let db = Cluster::get().migrated().await;
    let url = db.url();
    let variables = [("DATABASE_URL", url.as_str()), ("LANG", "en_US.UTF-8")];
    let mut terminal = Terminal::start(&["create-admin", "--full-name", "Camille Durand"], &variables);
    terminal.answer("E-mail address: ", "camille@club.test");
    terminal.answer_unseen("Password (at least 8 characters): ", PASSWORD);
    terminal.answer_unseen("Password, once more: ", PASSWORD);
    let (status, screen) = terminal.end();
    assert!(status.success() && !screen.contains("Full name") && !screen.contains(PASSWORD), "{screen}");
    assert_eq!(accounts(&db).await, [("camille@club.test".into(), "super_admin".into(), true)]);
}
