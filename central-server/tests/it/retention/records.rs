//! Commands, deployments and sessions that nobody needs any more.

use std::time::Duration;

use uuid::Uuid;

use super::{count, round, site};
use crate::support::TestApp;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn what_has_ended_long_ago_goes_and_what_is_open_or_holds_stays() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    let (video, wanted, open, ended) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let (now, site) = ("'2026-01-15 12:00+00'", club.0);
    let mut sql = format!(
        "insert into videos (id, filename, original_name, category, file_size, mime_type, storage_path) \
           values ('{video}', 'a.mp4', 'a.mp4', 'x', 1, 'video/mp4', 'a'); \
         insert into remote_commands (site_id, command_type, status, created_at, completed_at, origin) values \
           ('{site}', 'get_logs', 'completed', {now}, {now}, 'person'), ('{site}', 'get_logs', 'pending', {now}, null, 'person');"
    );
    for (order, state) in [(wanted, "installed"), (open, "pending"), (ended, "superseded")] {
        sql.push_str(&format!(
            "insert into content_deployments (id, video_id, video_title, target_type, target_id, target_name, created_at, started_at) \
               values ('{order}', '{video}', 'A', 'site', '{site}', 'Club', {now}, {now}); \
             insert into deployment_targets (deployment_id, site_id, video_id, action, state, revision, was_wanted, created_at) \
               values ('{order}', '{site}', '{video}', 'install', '{state}', 1, false, {now});"
        ));
    }
    sql.push_str(&format!(
        "insert into site_videos (site_id, video_id, deployment_id, since) values ('{site}', '{video}', '{wanted}', {now})"
    ));
    let owner = app.db.owner().await;
    owner.batch_execute(&sql).await.expect("a past");
    app.token("viewer").await;
    app.clock.advance(DAY * 89);
    let done = round(&app).await;
    assert_eq!((done.commands, done.orders, done.sessions), (0, 0, 1), "a session that ended a month ago");
    app.clock.advance(DAY * 2);
    assert_eq!(round(&app).await.commands, 1);
    assert_eq!(count(&app, "select count(*) from remote_commands where status = 'pending'").await, 1);
    app.clock.advance(DAY * 310);
    assert_eq!(round(&app).await.orders, 1);
    let left = owner.query("select id from content_deployments order by id", &[]).await.expect("orders");
    assert_eq!(left.iter().map(|row| row.get::<_, Uuid>(0)).collect::<Vec<_>>(), [wanted, open]);
    assert_eq!(count(&app, "select sum(total)::bigint from deployment_tallies").await, 2, "and they are still counted");
}
