//! The commands, and the server that seals by itself.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_postgres::config::Host;

use super::{journal, seal, write};
use crate::pooler::{Random, seed};
use crate::support::cluster::scratch;
use crate::support::program::{run, text, words};
use crate::support::{Cluster, Stage, TestDb};

/// Runs `verify-audit`: its exit code, and what it said.
fn verify(db: &TestDb, further: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["verify-audit"], further].concat(), &[("DATABASE_URL", &db.url())], "");
    (output.status.code(), words(&output))
}

#[tokio::test]
async fn the_command_says_whether_the_journal_is_intact_and_where_not() {
    let (db, owner) = journal(7).await;
    write(&owner, 8).await;
    let (code, said) = verify(&db, &[]);
    assert_eq!(code, Some(0), "{said}");
    for part in ["Entrées scellées : 7 (n° 1 à 7), dans 3 sceaux.", "pas encore scellées : 1", "Le journal est intact."]
    {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    let noted = seal(&db.pool(1)).await;
    let noted = format!("{}:{}", noted.seal, noted.hash);
    assert!(verify(&db, &[]).1.contains(&format!("Dernier sceau : {noted}")));
    assert_eq!(verify(&db, &["--known", &noted]).0, Some(0));
    let (code, said) = verify(&db, &["--known", &format!("4:{}", "0".repeat(64))]);
    assert!(code == Some(1) && said.contains("le journal a été récrit"), "{said}");
    assert_eq!(verify(&db, &["--known", "4"]).0, Some(2), "what cannot be read is refused");

    owner.batch_execute("update audit_logs set action = 'LIE' where number in (3, 5)").await.expect("the owner may");
    let id: uuid::Uuid = owner.query_one("select id from audit_logs where number = 3", &[]).await.expect("it").get(0);
    let (code, said) = verify(&db, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("Le journal a été altéré : l'entrée 3 ({id}) n'est pas celle qui a été scellée")),
        "{said}"
    );
    assert!(said.contains("l'entrée 5 (") && said.contains("Altérations trouvées : 2."), "{said}");
}

#[tokio::test]
async fn it_works_on_a_restored_backup_and_changes_nothing_in_it() {
    let (db, _) = journal(7).await;
    let (restored, broken) = (restore(&db).await, restore(&db).await);
    let (code, said) = verify(&restored, &[]);
    assert!(code == Some(0) && said.contains("Entrées scellées : 7"), "{said}");
    let owner = broken.owner().await;
    owner.batch_execute("delete from audit_logs where number = 4").await.expect("the owner may");
    let (code, said) = verify(&broken, &[]);
    assert!(code == Some(1) && said.contains("l'entrée 4 manque (sceau 2)"), "{said}");
    // What is not ours, or older than the seals, is no intact journal.
    let empty = Cluster::get().empty().await;
    let (code, said) = verify(&empty, &[]);
    assert!(code == Some(1) && said.contains("n'a pas pu être lu"), "{said}");
    let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    assert_eq!(
        empty.owner().await.query_one(tables, &[]).await.expect("a count").get::<_, i64>(0),
        0,
        "nothing is made"
    );
}

/// Another database with what `pg_dump` says of this one.
async fn restore(db: &TestDb) -> TestDb {
    let admin = Cluster::get().admin_config();
    let [Host::Unix(folder)] = admin.get_hosts() else { panic!("a socket") };
    let password = String::from_utf8(admin.get_password().expect("a password").to_vec()).expect("ASCII");
    let client = |program: &str, database: &str| {
        let mut command = Command::new(program);
        command.args([
            "--no-password",
            "--username",
            admin.get_user().expect("a name"),
            "--dbname",
            database,
            "--host",
        ]);
        command.arg(folder).env("PGPASSWORD", &password);
        command
    };
    let dump = client("pg_dump", &db.name).output().expect("the program `pg_dump` (package postgresql-client)");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let restored = Cluster::get().empty().await;
    let mut psql = client("psql", &restored.name);
    psql.args(["--quiet", "--set", "ON_ERROR_STOP=1"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut psql = psql.spawn().expect("the program `psql` (package postgresql-client)");
    let written = std::io::Write::write_all(&mut psql.stdin.take().expect("its input"), &dump.stdout);
    assert!(written.is_ok() && psql.wait().expect("it ends").success());
    restored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_seals_by_itself_tells_its_log_and_survives_every_kill() {
    let mut stage = Stage::start("audit").await;
    let owner = stage.db.owner().await;
    let seed = seed();
    println!("NEOPRO_SEED={seed}");
    let mut random = Random::seeded(seed);
    for kill in 0..4 {
        // Enough that it is at work for a while, in several seals.
        owner
            .execute(
                "insert into audit_logs (action, details, created_at) \
                 select 'MANY', jsonb_build_object('n', n), clock_timestamp() from generate_series(1, 20000) n",
                &[],
            )
            .await
            .expect("entries");
        let sealed = async || -> i64 {
            owner
                .query_one("select count(*) from audit_logs where number is not null", &[])
                .await
                .expect("a count")
                .get(0)
        };
        let before = sealed().await;
        let began = Instant::now();
        while sealed().await == before {
            assert!(began.elapsed() < Duration::from_secs(30), "nobody seals");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(400_000))).await;
        stage.kill_and_restart().await;
        let (code, said) = verify(&stage.db, &[]);
        assert_eq!(code, Some(0), "after kill {kill}: {said}");
    }
    // What was cut short is sealed by the next server.
    let began = Instant::now();
    loop {
        let seals = stage.get("/api/audit/seals").await;
        if seals["unsealed"] == json!(0) {
            let log = text(&scratch("audit.log"));
            let hash = seals["last_hash"].as_str().expect("a hash");
            assert!(log.contains(hash) && log.contains("the journal was sealed"), "the last seal stands in the log");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{seals}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (code, said) = verify(&stage.db, &[]);
    assert!(code == Some(0) && said.contains("Le journal est intact."), "{said}");
}
