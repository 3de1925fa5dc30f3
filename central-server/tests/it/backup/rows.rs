//! What comes back.

use std::os::unix::fs::PermissionsExt as _;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{KEY, backup, command, contents, folder, refused, schema, succeeds, text};
use crate::matrix::world::World;
use crate::media;
use crate::pooler::bouncer::PgBouncer;
use crate::support::program::run;
use crate::support::{Cluster, Player, Stage, TestApp, TestDb, http};

/// Tables whose rows stay behind (docs/backup.md), and those in which a restore writes down what it has done.
const OTHERS: [&str; 10] = [
    "schema_migrations",
    "sessions",
    "session_handles",
    "login_challenges",
    "password_links",
    "setup_links",
    "audit_logs",
    "jobs",
    "remote_commands",
    "site_states",
];

/// Rows of every table, and texts that a format could trip over.
async fn full() -> TestDb {
    let app = TestApp::new().await;
    World::build(&app).await;
    let owner = app.db.owner().await;
    for odd in ["a\tb\nc\rd\\.\\N\u{1}", "\\.", "\\N", "", "«é😀»", "\"a\",{b}", "null"] {
        owner
            .execute(
                "insert into agencies (name, metadata, description) values ($1, $2, $3)",
                &[&odd, &json!({ "odd": odd, "n": null }), &Some(odd)],
            )
            .await
            .expect("an agency");
    }
    owner
        .batch_execute(
            "insert into agencies (name, metadata, created_at) values ('json null', 'null', 'infinity'); \
             insert into agencies (name, metadata) values ('large', jsonb_build_object('x', repeat('x', 3000000)))",
        )
        .await
        .expect("agencies");
    app.db.clone()
}

#[tokio::test]
async fn every_row_comes_back_and_so_does_every_rule() {
    let db = full().await;
    let (before, rules) = (contents(&db).await, schema(&db).await);
    assert!(
        before.len() > 30 && before.values().filter(|(rows, _)| *rows > 0).count() > 30,
        "there is something to lose"
    );
    let file = backup(&db, "every-row");
    assert_eq!(contents(&db).await, before, "a backup writes nothing");
    assert_eq!(std::fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);

    let verified = run(&["backup", "--verify", "--files", text(&file)], &[], "");
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("entière"), "no database is needed: {said}");
    let videos = before["videos"].0;
    assert_eq!(said.lines().filter(|line| line.contains(" videos/")).count() as i64, videos * 2, "{said}");

    let restored = Cluster::get().empty().await;
    let said = succeeds(&restored.url(), &["restore", "--keep-tokens", text(&file)]);
    assert!(said.contains("La base est restaurée à son état du"), "{said}");
    // An order that is still open counts as done only by a report about what is told from now on.
    let told_again = format!(
        "update deployment_targets set revision = revision - {0} where revision >= {0}",
        neopro_central::backup::REVISIONS_SINCE
    );
    assert!(restored.admin().await.execute(&told_again, &[]).await.expect("the superuser may") > 0);
    let after = contents(&restored).await;
    for (table, rows) in &before {
        if OTHERS.contains(&table.as_str()) {
            continue;
        }
        assert_eq!(after.get(table), Some(rows), "{table}");
    }
    assert_eq!(schema(&restored).await, rules);
    for ended in ["sessions", "session_handles", "login_challenges", "password_links"] {
        assert!(
            before[ended].0 > 0 && after[ended].0 == 0,
            "{ended}: {} before, {} after",
            before[ended].0,
            after[ended].0
        );
    }
    // The control: a single character makes another hash.
    restored.admin().await.batch_execute("update sites set club_name = club_name || '.'").await.expect("a change");
    assert_ne!(contents(&restored).await["sites"], before["sites"]);
}

#[tokio::test]
async fn no_table_that_comes_back_needs_one_that_stays_behind() {
    let db = Cluster::get().migrated().await;
    let left_out = neopro_central::backup::LEFT_OUT.map(|table| format!("'{table}'")).join(", ");
    let sql = format!(
        "select conrelid::regclass::text from pg_constraint where contype = 'f' \
         and confrelid::regclass::text in ({left_out}) and conrelid::regclass::text not in ({left_out})"
    );
    let found = db.admin().await.query(&sql, &[]).await.expect("the catalogue");
    assert!(found.is_empty(), "{:?}", found.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
}

#[tokio::test]
async fn through_a_transaction_pooler_both_ways_and_nothing_is_left_on_its_connections() {
    let db = full().await;
    let before = contents(&db).await;
    let pooler = PgBouncer::in_front_of(&db, "backup").await;
    let file = folder("pooler").join("all.backup");
    succeeds(&pooler.url(), &["backup", text(&file)]);
    succeeds(&pooler.url(), &["restore", "--replace", text(&file)]);
    succeeds(&pooler.url(), &["backup", text(&folder("pooler-again").join("all.backup"))]);
    let after = contents(&db).await;
    assert_eq!((&after["sites"], &after["agencies"]), (&before["sites"], &before["agencies"]));
    assert_eq!(pooler.remains().await, Vec::<String>::new());
}

/// A database as an older version of this program has left it.
async fn older(until: &str) -> TestDb {
    let db = Cluster::get().empty().await;
    let owner = db.owner().await;
    owner
        .batch_execute(
            "create table schema_migrations (version integer primary key, name text not null, checksum text not null, \
             applied_at timestamptz not null default now())",
        )
        .await
        .expect("the record");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the migrations").map(|file| file.expect("it").path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        if name.as_str() > until {
            break;
        }
        let sql = std::fs::read_to_string(&file).expect("its text");
        owner.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let checksum = data_encoding::HEXLOWER.encode(&Sha256::digest(sql.as_bytes()));
        let version: i32 = name[..4].parse().expect("a number");
        owner
            .execute(
                "insert into schema_migrations (version, name, checksum) values ($1, $2, $3)",
                &[&version, &name, &checksum],
            )
            .await
            .expect("recorded");
    }
    db
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_brought_up_to_date_and_one_of_a_newer_is_refused() {
    Cluster::get().migrated().await;
    let old = older("0016_z").await;
    let owner = old.owner().await;
    owner
        .batch_execute(
            "insert into users (email, password_hash, role) values ('a@club.fr', 'x', 'super_admin'); \
             insert into sites (site_name, club_name, api_key) values ('Élan', 'Club', 'k')",
        )
        .await
        .expect("rows");
    let file = backup(&old, "older");
    let restored = Cluster::get().empty().await;
    let said = succeeds(&restored.url(), &["restore", text(&file)]);
    assert!(said.contains("mise à jour du schéma 16 au schéma"), "{said}");
    let new = Cluster::get().migrated().await;
    assert_eq!(schema(&restored).await, schema(&new).await);
    let app = TestApp::on(restored, &[]).await;
    app.token("viewer").await;

    let newer = Cluster::get().migrated().await;
    newer
        .owner()
        .await
        .batch_execute("insert into schema_migrations (version, name, checksum) values (9999, 'later', 'x')")
        .await
        .expect("the owner may");
    let file = backup(&newer, "newer");
    let empty = Cluster::get().empty().await;
    let said = refused(&empty.url(), &["restore", text(&file)]);
    assert!(said.contains("version plus récente de NeoPro (migration 9999"), "{said}");
    assert!(contents(&empty).await.is_empty());
}

/// Who and what there is comes in again: people by their passwords, boxes by their keys. What has been told since the
/// backup is told anew, and nothing is done twice.
#[tokio::test]
async fn after_a_restore_people_log_in_boxes_connect_and_nothing_is_done_twice() {
    let stage = Stage::start("backup-life").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("Sponsor.mp4", media!("faststart.mp4"), None).await;
    let mut player = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    player.says("authenticated").await;
    stage.order(&video, "site", &site, "install").await;
    let first = player.says("desired").await["revision"].as_i64().expect("a number");
    let owner = stage.db.owner().await;
    owner
        .batch_execute(&format!(
            "insert into jobs (id, kind, payload, run_at, created_at) values (gen_random_uuid(), 'mail', 'x', now(), now()); \
             insert into remote_commands (site_id, command_type, status, origin, deadline) \
               values ('{site}', 'reboot', 'executing', 'person', now() + interval '1 hour')"
        ))
        .await
        .expect("what waits");
    let file = backup(&stage.db, "life");

    // What comes after the backup, and is lost: the box has a later state than the restored server knows of.
    let later = stage.upload("Affiche.png", media!("picture.png"), None).await;
    stage.order(&later, "site", &site, "install").await;
    let second = player.says("desired").await["revision"].as_i64().expect("a number");
    assert!(second > first);
    let mut stage = stage;
    stage.server.kill();
    let said = succeeds(&stage.db.url(), &["restore", "--replace", text(&file)]);
    for part in ["partir deux fois : 1.", "faites deux fois : 1.", "les 1 sites"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    let now = owner.query_one("select state, payload from jobs", &[]).await;
    drop(owner);
    let owner = stage.db.owner().await;
    let job = match now {
        Ok(row) => row,
        Err(_) => owner.query_one("select state, payload from jobs", &[]).await.expect("the job"),
    };
    assert_eq!((job.get::<_, String>(0).as_str(), job.get::<_, Option<String>>(1)), ("failed", None));

    let old_token = stage.token().to_owned();
    stage.kill_and_restart().await;
    let with_old =
        http::send(stage.server.port, Method::GET, "/api/sites", Some(&old_token), None).await.expect("an answer");
    assert_eq!(with_old.status, 401, "sessions of the time before are over");
    let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
    let answer =
        http::send(stage.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);

    let mut back = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    back.tell(&json!({ "revision": second })).await;
    back.says("authenticated").await;
    let desired: Value = back.says("desired").await;
    assert!(desired["revision"].as_i64().expect("a number") > second, "{desired}");
    assert_eq!(desired["media"].as_array().expect("a list").len(), 1, "{desired}");
    assert_eq!(desired["media"][0]["id"], json!(video), "what it is to have is what the backup says");
    assert!(back.says_within("command", std::time::Duration::from_millis(500)).await.is_none(), "no second restart");
    let (code, said) = command(&stage.db.url(), &["verify-audit"]);
    assert_eq!(code, Some(0), "{said}");
    let noted = owner.query_one("select details->>'made_at' from audit_logs where action = 'DATABASE_RESTORED'", &[]);
    assert!(noted.await.expect("an entry").get::<_, Option<String>>(0).is_some());
}

/// Somebody's laptop is stolen and he revokes the token that was on it; then the database goes back to yesterday.
#[tokio::test]
async fn a_token_that_was_revoked_since_the_backup_opens_nothing_after_a_restore() {
    let app = TestApp::new().await;
    app.account("a@club.fr", "admin").await;
    let session = app.login("a@club.fr").await;
    let (stolen, secret) = app.api_token(&session, &["read"]).await;
    let (ended, _) = app.api_token(&session, &["read"]).await;
    let revoke = async |id: &str| {
        let path = format!("/api/auth/tokens/{id}");
        app.delete(&path).bearer(&session).send().await.expect(StatusCode::OK);
    };
    revoke(&ended).await;
    // The app's clock stands still in January: as the program sees it these tokens are of today.
    let owner = app.db.owner().await;
    owner
        .batch_execute("update api_tokens set expires_at = now() + interval '9 days', name = 'Affichage « A »'")
        .await
        .expect("longer");
    let file = backup(&app.db, "tokens");
    revoke(&stolen).await;
    let opens = async |db: &TestDb| {
        let after = TestApp::on(db.clone(), &[]).await;
        let status = after.get("/api/sites").bearer(&secret).send().await.status;
        let sql = "select count(*) from api_tokens where revoked_at is null";
        (status, db.owner().await.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0))
    };
    assert_eq!(opens(&app.db).await, (401, 0), "it is revoked");

    let (restored, kept) = (Cluster::get().empty().await, Cluster::get().empty().await);
    let said = succeeds(&restored.url(), &["restore", text(&file)]);
    assert_eq!(opens(&restored).await, (401, 0), "as it was, whatever the backup knows");
    for part in ["Jetons d'API révoqués : 1 ", "« Affichage « A » », de a@club.fr", "--keep-tokens"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    let noted = "select details->>'tokens_ended' from audit_logs where action = 'DATABASE_RESTORED'";
    let noted: String = restored.owner().await.query_one(noted, &[]).await.expect("an entry").get(0);
    assert_eq!(noted, "1");

    // Whoever asks for it has them back, and reads what that means. That is the control, too.
    let said = succeeds(&kept.url(), &["restore", "--keep-tokens", text(&file)]);
    assert_eq!(opens(&kept).await, (200, 1));
    for part in ["Jetons d'API gardés : 1.", "révoqué depuis la sauvegarde ouvre de nouveau", "de a@club.fr"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    let none = backup(&Cluster::get().migrated().await, "no-tokens");
    let said = succeeds(&Cluster::get().empty().await.url(), &["restore", text(&none)]);
    assert!(said.contains("Jetons d'API : aucun"), "{said}");
}

#[tokio::test]
async fn the_key_of_secrets_is_named_and_another_one_is_refused() {
    let db = full().await;
    let file = backup(&db, "key");
    let restored = Cluster::get().empty().await;
    let url = restored.url();
    for other in [Some("another-key-for-secrets-of-32-characters"), None] {
        let mut variables = vec![("DATABASE_URL", url.as_str())];
        variables.extend(other.map(|key| ("MFA_ENCRYPTION_KEY", key)));
        let nowhere = folder("key-nowhere");
        variables.push(("NEOPRO_DATA_DIR", text(&nowhere)));
        let output = run(&["restore", text(&file)], &variables, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("Donnez-lui la même MFA_ENCRYPTION_KEY"), "{said}");
        assert!(!said.contains(KEY));
    }
    assert!(contents(&restored).await.is_empty());
    let whole = std::fs::read(&file).expect("the file");
    assert!(!whole.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
    let output = run(&["restore", "--other-key", text(&file)], &[("DATABASE_URL", &url)], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
