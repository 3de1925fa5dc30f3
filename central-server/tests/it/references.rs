//! What the rows of orders refer to is there, although the database does not check it row by row.

use axum::http::StatusCode;
use serde_json::json;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::deployments::{PATH, Stock};
use crate::selections::{id, site};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

async fn count(sql: &Client, rows: &str) -> i64 {
    sql.query_one(&format!("select count(*) from {rows}"), &[]).await.expect("a count").get(0)
}

fn target(order: &str, site: &str, video: &str) -> String {
    format!(
        "insert into deployment_targets (deployment_id, site_id, video_id, action, revision, was_wanted, created_at) \
         values ('{order}', '{site}', '{video}', 'install', 1, false, now())"
    )
}

fn wanted(site: &str, video: &str) -> String {
    format!("insert into site_videos (site_id, video_id, since) values ('{site}', '{video}', now())")
}

async fn refused(sql: &Client, statement: &str, with: &SqlState) {
    let error = sql.batch_execute(statement).await.expect_err(statement);
    assert_eq!(error.code(), Some(with), "{statement}: {error}");
}

#[tokio::test]
async fn a_row_without_what_it_refers_to_is_refused_and_none_changes_it() {
    let stock = Stock::new().await;
    let order =
        id(&stock.post(PATH, json!({"video_id": stock.video, "target_id": stock.site}), StatusCode::CREATED).await);
    let other = site(&stock, "Autre").await;
    let (sql, video) = (stock.app.db.owner().await, &stock.video);
    let none = SqlState::FOREIGN_KEY_VIOLATION;
    refused(&sql, &target(&order, NOBODY, video), &none).await;
    refused(&sql, &target(NOBODY, &other, video), &none).await;
    refused(&sql, &wanted(NOBODY, video), &none).await;
    refused(&sql, &wanted(&other, NOBODY), &none).await;
    // One of many is enough, and all of them are refused.
    let many = format!(
        "insert into site_videos (site_id, video_id, since) select n.id, '{video}', now() \
         from unnest(array['{other}', '{NOBODY}']::uuid[]) as n (id)"
    );
    refused(&sql, &many, &none).await;
    let kept = SqlState::INTEGRITY_CONSTRAINT_VIOLATION;
    refused(&sql, &format!("update deployment_targets set site_id = '{other}'"), &kept).await;
    refused(&sql, &format!("update deployment_targets set deployment_id = '{NOBODY}'"), &kept).await;
    refused(&sql, &format!("update site_videos set site_id = '{other}'"), &kept).await;
    refused(&sql, &format!("update site_videos set video_id = '{NOBODY}'"), &kept).await;
    assert_eq!((count(&sql, "deployment_targets").await, count(&sql, "site_videos").await), (1, 1));
    sql.batch_execute(&format!("{}; {}", target(&order, &other, video), wanted(&other, video))).await.expect("rows");
}

#[tokio::test]
async fn what_refers_to_a_deleted_site_or_order_goes_and_a_wanted_video_stays() {
    let stock = Stock::new().await;
    let other = site(&stock, "Autre").await;
    for site in [&stock.site, &other] {
        stock.post(PATH, json!({"video_id": stock.video, "target_id": site}), StatusCode::CREATED).await;
    }
    let sql = stock.app.db.owner().await;
    refused(&sql, &format!("delete from videos where id = '{}'", stock.video), &SqlState::FOREIGN_KEY_VIOLATION).await;
    sql.batch_execute(&format!("delete from sites where id = '{other}'")).await.expect("a deletion");
    assert_eq!((count(&sql, "deployment_targets").await, count(&sql, "site_videos").await), (1, 1));
    sql.batch_execute("delete from content_deployments").await.expect("a deletion");
    assert_eq!((count(&sql, "deployment_targets").await, count(&sql, "site_videos").await), (0, 1));
    sql.batch_execute("truncate sites cascade; delete from videos").await.expect("deletions");
    assert_eq!((count(&sql, "site_videos").await, count(&sql, "videos").await), (0, 0));
}

/// Whoever comes second waits for the first, and then sees what it did.
#[tokio::test]
async fn a_deletion_and_a_new_row_at_the_same_time_leave_no_row_alone() {
    let stock = Stock::new().await;
    let (first, second) = (stock.app.db.owner().await, stock.app.db.owner().await);
    let gone = site(&stock, "Premier").await;
    let (delete, insert) = (format!("delete from sites where id = '{gone}'"), wanted(&gone, &stock.video));

    first.batch_execute(&format!("begin; {insert}")).await.expect("a row");
    let (deleted, committed) = tokio::join!(second.batch_execute(&delete), async {
        until_one_waits(&stock).await;
        first.batch_execute("commit").await
    });
    committed.expect("the row");
    deleted.expect("the deletion");
    assert_eq!(count(&first, "site_videos").await, 0, "the row was seen by the deletion");

    let gone = site(&stock, "Second").await;
    let (delete, insert) = (format!("delete from sites where id = '{gone}'"), wanted(&gone, &stock.video));
    first.batch_execute(&format!("begin; {delete}")).await.expect("a deletion");
    let (inserted, committed) = tokio::join!(second.batch_execute(&insert), async {
        until_one_waits(&stock).await;
        first.batch_execute("commit").await
    });
    committed.expect("the deletion");
    assert_eq!(inserted.expect_err("no site").code(), Some(&SqlState::FOREIGN_KEY_VIOLATION));

    // A wanted video, the same way round.
    let (delete, insert) =
        (format!("delete from videos where id = '{}'", stock.video), wanted(&stock.site, &stock.video));
    first.batch_execute(&format!("begin; {insert}")).await.expect("a row");
    let (deleted, committed) = tokio::join!(second.batch_execute(&delete), async {
        until_one_waits(&stock).await;
        first.batch_execute("commit").await
    });
    committed.expect("the row");
    assert_eq!(deleted.expect_err("it is wanted").code(), Some(&SqlState::FOREIGN_KEY_VIOLATION));
    assert_eq!(count(&first, "site_videos").await, 1);
}

/// Waits until a statement on this database waits for a lock: without one there is nothing to prove.
async fn until_one_waits(stock: &Stock) {
    let watcher = stock.app.db.admin().await;
    let waiting = "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    for _ in 0..500 {
        if count(&watcher, waiting).await > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}
