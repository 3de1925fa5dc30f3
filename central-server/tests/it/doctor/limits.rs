//! What runs out: the room of a free project's database, its connections, the pooler's patience, the plan's traffic, a disk.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::{World, diagnosed, diagnosis, error, of, warning};
use crate::cloud::door::Door;
use crate::cloud::network::alone;
use crate::cloud::pooler::Pooler;
use crate::cloud::postgres::{ENCODED_PASSWORD, PASSWORD};
use crate::cloud::{Cloud, POOLER, PROJECT, database};
use crate::support::{cluster, program};

/// What a file of a database's folder is made long by, without a byte of the disk.
const FILLER: u64 = 420 * 1024 * 1024;

fn look(cloud: &Cloud, url: &str) -> Value {
    let root = cloud.authority.root.to_str().expect("UTF-8");
    let folder = cloud.folder.join("doctor");
    let folder = folder.to_str().expect("UTF-8");
    let variables = [("DATABASE_URL", url), ("DATABASE_SSL_CA_FILE", root), ("NEOPRO_DATA_DIR", folder)];
    let (code, report) = diagnosis(&variables);
    assert!(!report.to_string().contains(PASSWORD) && !report.to_string().contains(ENCODED_PASSWORD), "{report:#}");
    assert_eq!(code, i32::from(report["errors"] != 0), "{report:#}");
    report
}

#[test]
fn a_free_project_that_is_nearly_full_or_crowded_is_told_before_it_is() {
    alone("doctor::limits::a_free_project_that_is_nearly_full_or_crowded_is_told_before_it_is", async {
        let cloud = Cloud::start("doctor-limits").await;
        let direct = format!("postgresql://postgres:{ENCODED_PASSWORD}@{}:5432/postgres", database());
        let report = look(&cloud, &direct);
        for id in ["database.size", "database.connections", "database.connection"] {
            assert_eq!(of(&report, id, None)[0]["state"], "ok", "the control: {report:#}");
        }
        let admin = cloud.postgres.admin().await;
        admin.batch_execute("create table filler (nothing text)").await.expect("a table");
        let place = "select current_setting('data_directory') || '/' || pg_relation_filepath('filler')";
        let file: String = admin.query_one(place, &[]).await.expect("its file").get(0);
        File::options().write(true).open(file).expect("the file").set_len(FILLER).expect("empty pages");
        let report = look(&cloud, &direct);
        warning("database.size", "Mo sur les 500 Mo", "lecture seule", "1.3").check(&report);
        assert_eq!(of(&report, "database.connections", None)[0]["state"], "ok");

        // Of 60 three are the platform's own; one is ours already, and one the diagnosis itself.
        let mut taken = Vec::new();
        while taken.len() < 45 {
            taken.push(cloud.postgres.admin().await);
        }
        warning("database.connections", "sur 57", "pooler (port 6543)", "2.2").check(&look(&cloud, &direct));
        while taken.len() < 56 {
            taken.push(cloud.postgres.admin().await);
        }
        error("database.connection", "Toutes les connexions permises sont prises", "DATABASE_POOL_SIZE", "2.2")
            .check(&look(&cloud, &direct));
    });
}

#[test]
fn a_pooler_that_lets_nobody_in_says_whether_it_is_the_user_the_password_or_too_many_tries() {
    alone(
        "doctor::limits::a_pooler_that_lets_nobody_in_says_whether_it_is_the_user_the_password_or_too_many_tries",
        async {
            let mut cloud = Cloud::start("doctor-door").await;
            cloud.pooler.down();
            let _inner = Pooler::start(&cloud.folder, &cloud.postgres, None, 6544).await;
            let door = Door::open(&cloud.certificate, 6544).await;
            let url = |user: &str, password: &str| {
                format!("postgresql://{user}:{password}@{POOLER}:6543/postgres?pgbouncer=true")
            };
            let right = format!("postgres.{PROJECT}");
            let connection = "database.connection";
            let report = look(&cloud, &url(&right, ENCODED_PASSWORD));
            assert_eq!(of(&report, connection, None)[0]["state"], "ok", "the control: {report:#}");
            let stranger = url("postgres.abcdefghijklmnopqrst", ENCODED_PASSWORD);
            let unknown = "il s'écrit postgres.<référence du projet>";
            for old_words in [false, true] {
                door.book.old_words.store(old_words, Ordering::SeqCst);
                let before = door.book.tried.load(Ordering::SeqCst);
                error(connection, unknown, "DATABASE_URL", "2.2").check(&look(&cloud, &stranger));
                assert_eq!(door.book.tried.load(Ordering::SeqCst) - before, 1, "the pooler counts what is refused");
            }
            let report = look(&cloud, &url("postgres", ENCODED_PASSWORD));
            error(connection, unknown, "DATABASE_URL", "2.2").check(&report);
            let wrong = url(&right, "faux");
            error(connection, "mot de passe de DATABASE_URL est refusé", "mot de passe", "2.2")
                .check(&look(&cloud, &wrong));
            while !door.book.was_closed.load(Ordering::SeqCst) {
                assert!(door.book.refused() < 12, "ten refused logins close the door");
                look(&cloud, &wrong);
            }
            error(connection, "après trop de mots de passe refusés", "DATABASE_URL", "2.2")
                .check(&look(&cloud, &url(&right, ENCODED_PASSWORD)));
        },
    );
}

#[tokio::test]
async fn the_plans_traffic_is_told_when_it_is_nearly_and_when_it_is_used() {
    let world = World::new().await;
    let admin = world.db.admin().await;
    let read = "insert into storage_traffic (month, reader, bytes) \
         values (date_trunc('month', now() at time zone 'UTC')::date, gen_random_uuid(), 4100000000)";
    admin.batch_execute(read).await.expect("what boxes have read");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 0, "a warning is no error: {report:#}");
    warning("storage.traffic", "4100 Mo sur 5000 Mo", "changez d'offre", "3").check(&report);
    admin.batch_execute("update storage_traffic set bytes = 5000000000").await.expect("more of it");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 1);
    error("storage.traffic", "5000 Mo sur 5000 Mo", "mois prochain", "3").check(&report);
    assert_eq!(of(&world.doctor(&[("STORAGE_TRAFFIC_GB", "0")]).await.1, "storage.traffic", None)[0]["state"], "ok");
}

/// Runs `doctor` with its data on a disk of this size, which is there for as long as that takes.
fn on_a_disk_of(megabytes: u32) -> Value {
    let folder = cluster::scratch(&format!("doctor-disk-{megabytes}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut command = Command::new("unshare");
    if rustix::process::getuid().as_raw() != 0 {
        command.args(["--user", "--map-root-user"]);
    }
    let mounted = "mount -t tmpfs -o size=$1m none \"$2\" && exec \"$3\" doctor --json --lang fr";
    command.args(["--mount", "--", "sh", "-ec", mounted, "sh", &megabytes.to_string()]).arg(&folder);
    command.arg(env!("CARGO_BIN_EXE_neopro-central"));
    command.env("NEOPRO_DATA_DIR", &folder);
    command.env("DATABASE_URL", format!("postgresql://a:b@127.0.0.1:{}/c", program::free_port()));
    let output = command.output().expect("unshare (package util-linux) is installed");
    std::fs::remove_dir(&folder).expect("nothing was left behind");
    diagnosed(&program::words(&output))
}

#[test]
fn a_disk_that_is_nearly_full_is_told_and_one_without_room_for_an_upload_is_an_error() {
    error("machine.disk", "Mo libres sur 300 Mo", "512 Mo", "6.4").check(&on_a_disk_of(300));
    warning("machine.disk", "Mo libres sur 1024 Mo", "512 Mo", "6.4").check(&on_a_disk_of(1024));
    assert_eq!(of(&on_a_disk_of(3000), "machine.disk", None)[0]["state"], "ok", "the control");
}
