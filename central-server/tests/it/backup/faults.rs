//! What can go wrong with a backup, provoked.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{KEY, backup, contents, folder, refused, succeeds, text};
use crate::matrix::world::World;
use crate::pooler::{Random, seed, variable};
use crate::support::{Cluster, TestApp, TestDb, program};

const UNCHANGED: &str = "Rien n'a été modifié.";

async fn with_rows() -> TestDb {
    let app = TestApp::new().await;
    World::build(&app).await;
    app.db.clone()
}

#[tokio::test]
async fn a_file_that_is_cut_changed_or_none_of_ours_is_refused_before_anything_is_written() {
    let db = with_rows().await;
    let file = backup(&db, "damaged");
    let whole = fs::read(&file).expect("the file");
    let occupied = with_rows().await;
    let before = contents(&occupied).await;
    let place = folder("damaged-ones");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let damaged: [(&str, &[u8], &str); 5] = [
        ("cut", &whole[..whole.len() / 2], "abîmée ou coupée"),
        ("without-its-end", &whole[..whole.len() - 1], "abîmée ou coupée"),
        ("flipped", &flipped, "abîmée ou coupée"),
        ("empty", b"", "n'est pas une sauvegarde de NeoPro"),
        ("foreign", b"PGDMP and whatever follows it in such a file, which is long enough", "n'est pas une sauvegarde"),
    ];
    for (name, bytes, words) in damaged {
        let path = place.join(name);
        fs::write(&path, bytes).expect("a file");
        for arguments in [&["restore", "--replace", text(&path)][..], &["backup", "--verify", text(&path)]] {
            let said = refused(&occupied.url(), arguments);
            assert!(said.contains(words), "{name}: {said}");
        }
    }
    assert_eq!(contents(&occupied).await, before);
    // The control: the file itself goes in.
    succeeds(&occupied.url(), &["restore", "--replace", text(&file)]);
    assert_ne!(contents(&occupied).await, before);
}

#[tokio::test]
async fn an_encrypted_backup_opens_with_its_passphrase_alone() {
    let db = with_rows().await;
    let place = folder("encrypted");
    let phrase = |name: &str, words: &str| {
        let path = place.join(name);
        fs::write(&path, words).expect("a file");
        path
    };
    let (right, wrong) = (phrase("right", "quatre chevaux au galop\n"), phrase("wrong", "quatre chevaux au trot\n"));
    let file = place.join("all.backup");
    let said = refused(&db.url(), &["backup", text(&file), "--passphrase-file", text(&phrase("short", "court"))]);
    assert!(said.contains("trop courte") && !file.exists(), "{said}");
    let said = succeeds(&db.url(), &["backup", text(&file), "--passphrase-file", text(&right)]);
    assert!(said.contains("Elle est chiffrée"), "{said}");

    let empty = Cluster::get().empty().await;
    let said = refused(&empty.url(), &["restore", text(&file)]);
    assert!(said.contains("donnez sa phrase secrète"), "{said}");
    let said = refused(&empty.url(), &["restore", text(&file), "--passphrase-file", text(&wrong)]);
    assert!(said.contains("La phrase secrète n'ouvre pas") && said.contains("entier"), "{said}");
    assert!(contents(&empty).await.is_empty());
    succeeds(&empty.url(), &["restore", text(&file), "--passphrase-file", text(&right)]);
    assert_eq!(contents(&empty).await["sites"], contents(&db).await["sites"]);

    let open = backup(&db, "open");
    let said = refused(&db.url(), &["backup", "--verify", text(&open), "--passphrase-file", text(&right)]);
    assert!(said.contains("n'est pas chiffrée"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_not_empty_is_replaced_only_when_that_is_said_and_neopro_1_never() {
    let (db, other) = (with_rows().await, with_rows().await);
    let file = backup(&db, "occupied");
    let before = contents(&other).await;
    let said = refused(&other.url(), &["restore", text(&file)]);
    assert!(said.contains("La base n'est pas vide") && said.contains(UNCHANGED), "{said}");
    let said = succeeds(&other.url(), &["restore", "--replace", "--dry-run", text(&file)]);
    assert!(said.contains("Essai") && said.contains(UNCHANGED), "{said}");
    assert_eq!(contents(&other).await, before);
    // A server that has just begun has a database in which nobody is.
    let fresh = Cluster::get().migrated().await;
    succeeds(&fresh.url(), &["restore", text(&file)]);

    // Somebody else's view on a table of ours is in the way, and is not taken along.
    let owner = other.owner().await;
    owner.batch_execute("create view theirs as select count(*) from sites").await.expect("the owner may");
    let said = refused(&other.url(), &["restore", "--replace", text(&file)]);
    assert!(said.contains("étranger à NeoPro") && said.contains(UNCHANGED), "{said}");
    assert_eq!(contents(&other).await, before);
    owner.batch_execute("drop view theirs").await.expect("the owner may");

    // A server that is at work is not waited for for ever.
    owner.batch_execute("begin; lock table sites in share mode").await.expect("a lock");
    let said = refused(&other.url(), &["restore", "--replace", text(&file)]);
    assert!(said.contains("La base est encore utilisée : arrêtez le serveur"), "{said}");
    owner.batch_execute("rollback").await.expect("no lock");

    let old = Cluster::get().empty().await;
    let neopro_1 = "create table users (email text, password_hash text); \
         create table sites (site_name text, club_name text, api_key text)";
    old.owner().await.batch_execute(neopro_1).await.expect("the owner may");
    let said = refused(&old.url(), &["restore", "--replace", text(&file)]);
    assert!(said.contains("celle de NeoPro 1") && said.contains(UNCHANGED), "{said}");
    let said = refused(&old.url(), &["backup", text(&folder("of-neopro-1").join("a"))]);
    assert!(said.contains("pg_dump"), "{said}");
    let said = refused(&Cluster::get().empty().await.url(), &["backup", text(&folder("of-nothing").join("a"))]);
    assert!(said.contains("ne contient rien de NeoPro"), "{said}");
}

#[tokio::test]
async fn a_backup_goes_neither_onto_another_file_nor_where_everybody_reads_nor_onto_a_full_disk() {
    let db = with_rows().await;
    let place = folder("places");
    let taken = place.join("taken");
    fs::write(&taken, "mine").expect("a file");
    assert!(refused(&db.url(), &["backup", text(&taken)]).contains("existe déjà"));
    assert_eq!(fs::read_to_string(&taken).expect("it"), "mine");
    assert!(refused(&db.url(), &["backup", text(&place.join("nowhere/all"))]).contains("ne peut pas être écrit"));

    let public = place.join("data/storage/videos/uploads");
    fs::create_dir_all(&public).expect("the storage");
    let variables = [("DATABASE_URL", db.url()), ("NEOPRO_DATA_DIR", text(&place.join("data")).to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = program::run(&["backup", text(&public.join("all.backup"))], &variables, "");
    assert!(program::words(&output).contains("que tout le monde peut lire"), "{}", program::words(&output));
    assert_eq!(fs::read_dir(&public).expect("it").count(), 0);

    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let output = program::neopro(&["backup", "-"], &variables).stdout(full).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("Le disque est plein"), "{said}");

    // Standard output is the file, and nothing else.
    let output = program::run(&["backup", "-"], &variables, "");
    let piped = place.join("piped");
    fs::write(&piped, &output.stdout).expect("a file");
    succeeds(&db.url(), &["backup", "--verify", text(&piped)]);
}

/// `NEOPRO_KILLS` says how often, `NEOPRO_SEED` repeats a run (its moments, not the machine's).
#[tokio::test]
async fn whoever_is_killed_leaves_no_half_file_and_no_half_database() {
    let seed = seed();
    println!("backup: NEOPRO_SEED={seed}");
    let mut random = Random::seeded(seed);
    let kills = variable("NEOPRO_KILLS").unwrap_or(6);
    let (db, mut other) = (with_rows().await, with_rows().await);
    let owner = db.owner().await;
    owner
        .batch_execute(
            "insert into audit_logs (action, details) select 'X', jsonb_build_object('n', n) from generate_series(1, 60000) n",
        )
        .await
        .expect("rows");
    let place = folder("kills");
    let file = place.join("whole");
    let began = Instant::now();
    succeeds(&db.url(), &["backup", text(&file)]);
    let backing_up = began.elapsed();
    let began = Instant::now();
    succeeds(&Cluster::get().empty().await.url(), &["restore", text(&file)]);
    let restoring = began.elapsed();

    let mut left = [0, 0, 0, 0];
    for kill in 0..kills {
        let target = place.join(format!("killed-{kill}"));
        killed(&db, &["backup", text(&target)], random.below(backing_up.as_micros() as u64)).await;
        if target.exists() {
            succeeds(&db.url(), &["backup", "--verify", text(&target)]);
            left[1] += 1;
        } else {
            left[0] += 1;
        }

        let before = contents(&other).await;
        killed(&other, &["restore", "--replace", text(&file)], random.below(restoring.as_micros() as u64)).await;
        let after = contents(&other).await;
        if after == before {
            left[2] += 1;
        } else {
            assert_eq!(after["sites"], contents(&db).await["sites"], "the old, or all of the new");
            assert!(after["audit_logs"].0 > 60_000);
            left[3] += 1;
            other = with_rows().await;
        }
    }
    println!("{kills} kills each within {backing_up:?} and {restoring:?}: no file, a file, the old, the new: {left:?}");
    assert!(left[0] > 0 && left[2] > 0, "no kill came in time: this proves nothing");
}

async fn killed(db: &TestDb, arguments: &[&str], after_micros: u64) {
    let url = db.url();
    let mut child = program::neopro(arguments, &[("DATABASE_URL", &url), ("MFA_ENCRYPTION_KEY", KEY)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    tokio::time::sleep(Duration::from_micros(after_micros)).await;
    child.kill().expect("kill -9");
    child.wait().expect("it is gone");
    let admin = Cluster::get().admin("postgres").await;
    let until = Instant::now() + Duration::from_secs(30);
    let sql = "select count(*) from pg_stat_activity where datname = $1 and application_name = 'neopro'";
    while admin.query_one(sql, &[&db.name]).await.expect("a count").get::<_, i64>(0) > 0 {
        assert!(Instant::now() < until, "the database still works for one that is gone");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
