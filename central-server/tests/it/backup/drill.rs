//! The drill: a fleet of some size is backed up, lost, restored and served again, and the time it takes is told.
//!
//! `NEOPRO_DRILL_SITES` says how many sites; 1,000 of them for 90 days is `cargo xtask soak drill`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{KEY, backup, succeeds, text};
use crate::pooler::variable;
use crate::support::cluster::scratch;
use crate::support::program::Server;
use crate::support::stage::key;
use crate::support::{Cluster, Player, TestDb};

/// Sites of the slice.
const FEW: u64 = 40;

/// Clubs of 90 days: each with hourly figures, a thousand plays' worth of them, a day's commands, two orders, what it is
/// to have and has; a library, and a journal.
async fn fleet(db: &TestDb, sites: u64) {
    let owner = db.owner().await;
    owner
        .batch_execute(&format!(
            "insert into users (email, password_hash, role) values ('a@club.fr', 'x', 'super_admin'); \
             insert into sites (site_name, club_name, api_key) \
               select 'Gymnase ' || n, 'Club ' || n, 'none ' || n from generate_series(1, {sites}) n; \
             insert into videos (filename, original_name, file_size, mime_type, storage_path, checksum) \
               select n || '.mp4', 'Partenaire ' || n, 40000000, 'video/mp4', 'uploads/' || md5(n::text) || '.mp4', \
                 md5(n::text) || md5((n + 1)::text) from generate_series(1, 300) n; \
             insert into site_states (site_id, desired_revision) select id, 60 from sites; \
             insert into site_videos (site_id, video_id, since) \
               select s.id, v.id, now() from sites s cross join (select id from videos order by filename limit 30) v; \
             insert into site_inventory (site_id, video_id, state, sha256, changed_at) \
               select w.site_id, w.video_id, 'installed', v.checksum, now() from site_videos w join videos v on v.id = w.video_id; \
             insert into site_figures (site_id, hour, beats, cpu_sum, cpu_count, memory_sum, memory_count, temperature_sum, \
                 temperature_count, disk_sum, disk_count) \
               select s.id, date_trunc('hour', now()) - make_interval(hours => h), 120, 2400, 120, 4800, 120, 6000, 120, 3600, 120 \
               from sites s cross join generate_series(1, 90 * 24) h; \
             insert into remote_commands (site_id, command_type, status, created_at, completed_at, result) \
               select s.id, 'get_logs', 'completed', now() - make_interval(days => d), now(), jsonb_build_object('log', repeat('x', 200)) \
               from sites s cross join generate_series(1, 90) d; \
             insert into audit_logs (action, details, created_at) \
               select 'SITE_UPDATED', jsonb_build_object('n', n), now() from generate_series(1, {sites} * 20) n"
        ))
        .await
        .expect("a fleet");
}

#[tokio::test]
async fn a_fleet_is_lost_and_restored_and_its_boxes_come_back() {
    let sites = variable("NEOPRO_DRILL_SITES").unwrap_or(FEW);
    let db = Cluster::get().migrated().await;
    fleet(&db, sites).await;
    let owner = db.owner().await;
    let site: uuid::Uuid =
        owner.query_one("select id from sites where site_name = 'Gymnase 1'", &[]).await.expect("a site").get(0);
    let site = site.to_string();
    let stored = neopro_central::sites::SiteKey::given(&key(&site)).stored();
    owner.execute("update sites set api_key = $1 where site_name = 'Gymnase 1'", &[&stored]).await.expect("its key");
    let began = Instant::now();
    let file = backup(&db, "drill");
    let backed_up = began.elapsed();
    let bytes = std::fs::metadata(&file).expect("it").len();

    // What is lost: everything.
    drop(owner);
    let admin = Cluster::get().admin("postgres").await;
    admin.batch_execute(&format!("drop database {} with (force)", db.name)).await.expect("gone");
    admin.batch_execute(&format!("create database {} owner neopro template template0", db.name)).await.expect("empty");

    let began = Instant::now();
    let said = succeeds(&db.url(), &["restore", text(&file)]);
    let restored = began.elapsed();
    assert!(said.contains(&format!("les {sites} sites")), "{said}");
    let rows = said.split(" lignes").next().and_then(|words| words.rsplit(' ').next()).expect("a number").to_owned();
    let data = scratch(&format!("drill-{}", db.name));
    let variables =
        [("DATABASE_URL", db.url()), ("MFA_ENCRYPTION_KEY", KEY.into()), ("NEOPRO_DATA_DIR", text(&data).into())];
    let variables = variables.each_ref().map(|(name, value): &(&str, String)| (*name, value.as_str()));
    let mut server = Server::spawn(&variables, &scratch(&format!("drill-{}.log", db.name)));
    server.ready().await;
    let mut player = Player::start("box2.mjs", server.port, &site, "websocket");
    player.tell(&json!({"revision": 61})).await;
    player.says("authenticated").await;
    let desired = player.says_within("desired", Duration::from_secs(20)).await.expect("what it is to have");
    assert_eq!(desired["media"].as_array().map(Vec::len), Some(30));
    let all = began.elapsed();
    println!(
        "drill: {sites} sites, {rows} rows: backup {backed_up:.1?} ({:.1} MB), restore {restored:.1?}, until a box was told \
         what it is to have {all:.1?}",
        bytes as f64 / 1e6
    );
    drop(server);
    let _ = std::fs::remove_dir_all(&data);
}
