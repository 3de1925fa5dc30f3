//! The schema's scripts. What the guide's steps do with them stands in `guide`.

use neopro_central::db::migrations::{self, MigrateError};

use crate::support::{Cluster, TestApp};

#[tokio::test]
async fn a_second_migration_finds_nothing_to_do() {
    let db = Cluster::get().empty().await;
    let owner = db.owner().await;
    assert_eq!(migrations::migrate(&owner).await.expect("migrated"), migrations::latest());
    let first = recorded(&owner).await;
    assert_eq!(first.len(), files());
    assert_eq!(migrations::migrate(&owner).await.expect("migrated"), migrations::latest());
    assert_eq!(recorded(&owner).await, first, "not even the times changed");
}

/// How many migrations there are. Their numbers may have gaps.
fn files() -> usize {
    std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("the folder").count()
}

async fn recorded(owner: &tokio_postgres::Client) -> Vec<String> {
    let rows = owner.query("select m::text from schema_migrations m order by version", &[]).await.expect("the record");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn many_replicas_may_start_at_once() {
    let db = Cluster::get().empty().await;
    let starts = (0..6).map(|_| async { migrations::migrate(&db.owner().await).await });
    for result in futures_util::future::join_all(starts).await {
        assert_eq!(result.expect("migrated"), migrations::latest());
    }
    assert_eq!(recorded(&db.owner().await).await.len(), files());
}

#[tokio::test]
async fn a_failure_half_way_leaves_nothing() {
    let db = Cluster::get().empty().await;
    let owner = db.owner().await;
    // In the way of the second migration.
    owner.batch_execute("create table club_daily_stats (other int)").await.expect("the owner may");
    let error = migrations::migrate(&owner).await.expect_err("a table is in the way");
    assert!(matches!(&error, MigrateError::Refused(sentence) if sentence.contains("club_daily_stats")), "{error}");
    let tables = owner
        .query("select table_name::text from information_schema.tables where table_schema = 'public'", &[])
        .await
        .expect("the catalogue");
    assert_eq!(tables.len(), 1);
}

#[tokio::test]
async fn a_migration_that_was_rewritten_is_refused() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    owner
        .batch_execute("update schema_migrations set checksum = 'another' where version = 1")
        .await
        .expect("the owner may");
    let error = migrations::migrate(&owner).await.expect_err("another past");
    assert!(error.to_string().contains("0001_ground"), "{error}");
}

#[tokio::test]
async fn an_older_server_works_on_a_newer_schema() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    owner
        .batch_execute("insert into schema_migrations (version, name, checksum) values (9999, 'later', 'x')")
        .await
        .expect("the owner may");
    assert_eq!(migrations::migrate(&owner).await.expect("nothing to do"), 9999);
    let app = TestApp::on(db, &[]).await;
    app.token("viewer").await;
}

#[tokio::test]
async fn analytics_shows_the_daily_figures_of_each_club_to_those_who_may_see_them() {
    let app = TestApp::new().await;
    let own = crate::walls::tenant(&app, "agency").await;
    let owner = app.db.owner().await;
    owner
        .batch_execute(&format!(
            "insert into club_daily_stats (site_id, date, videos_played, sponsor_plays, screen_time_seconds, uptime_percent) \
             select id, '2026-01-14', 12, 7, 360, 99.5 from sites; \
             insert into club_daily_stats (site_id, date, videos_played) values ('{}', '2026-01-13', 3)",
            own.site
        ))
        .await
        .expect("figures");
    let row = owner
        .query_one(
            "select club_name, plays, sponsor_plays, screen_time_seconds, uptime_percent::float8 from analytics \
             where site_id = $1 and date = '2026-01-14'",
            &[&own.site],
        )
        .await
        .expect("one row a club and day");
    assert_eq!(row.get::<_, String>(0), "Own");
    assert_eq!((row.get::<_, i32>(1), row.get::<_, i32>(2), row.get::<_, i64>(3)), (12, 7, 360));

    use neopro_central::db::{Scalar, Scope, query};
    use neopro_central::ids::{AgencyId, UserId};
    let count = || query("select count(*) from analytics").one::<Scalar<i64>>();
    let agency = Scope::Agency(UserId::new(), AgencyId(own.id));
    assert_eq!(app.pool().run(agency, None, count()).await.expect("its own").0, 2);
    assert_eq!(app.pool().run(Scope::Staff(UserId::new()), None, count()).await.expect("all").0, 3);
}
