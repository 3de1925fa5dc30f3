//! A database that takes no writes any more, as providers make it when its plan is full, and one that takes them again.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::replicas::boxes::Boxed;
use crate::replicas::{Replicas, until};
use crate::support::http;
use crate::support::program::{run, words};

/// What the provider does: connections that are made from now on are told, and those that there are end.
async fn takes_writes(replicas: &Replicas, takes: bool) {
    let (name, word) = (&replicas.db.name, if takes { "off" } else { "on" });
    let owner = replicas.db.owner().await;
    owner.batch_execute("set default_transaction_read_only = off").await.expect("the owner may");
    let told = format!("alter database {name} set default_transaction_read_only = {word}");
    owner.batch_execute(&told).await.expect("the owner may");
    if !takes {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid() and usename = current_user";
        owner.batch_execute(end).await.expect("the owner may");
    }
}

#[tokio::test]
async fn a_full_database_is_told_in_words_and_one_with_room_again_needs_no_restart() {
    let mut replicas = Replicas::start("full", 1, &[]).await;
    let site = replicas.site("Gymnase").await;
    let path = format!("/api/sites/{site}");
    let change = json!({"club_name": "Élan"});
    assert_eq!(replicas.call(0, Method::PUT, &path, Some(&change)).await.status, 200, "the control");
    takes_writes(&replicas, false).await;
    for is_new in [false, true] {
        // A platform may start it anew meanwhile.
        if is_new {
            replicas.servers[0].kill();
            replicas.again(0).await;
        }
        let port = replicas.servers[0].port;
        until("health says so", Duration::from_secs(15), async || {
            http::get(port, "/health").await.text.contains("La base de données n'accepte plus d'écriture.")
        })
        .await;
        assert_eq!(http::get(port, "/ready").await.status, 200);
        assert_eq!(replicas.call(0, Method::GET, "/api/sites", None).await.status, 200, "what is there is shown");
        let refused = replicas.call(0, Method::PUT, &path, Some(&change)).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{}", refused.text);
        let said = refused.json();
        assert_eq!(said["code"], "database_read_only", "{said}");
        assert!(said["error"].as_str().is_some_and(|text| text.contains("n'accepte plus d'écriture")), "{said}");
        assert!(said["message"].as_str().is_some_and(|text| text.contains("étape 1 du guide")), "{said}");
        assert!(Boxed::try_connect(port, &site, 0).await.is_some(), "its box is let in");
    }
    takes_writes(&replicas, true).await;
    until("it writes again", Duration::from_secs(15), async || {
        replicas.call(0, Method::PUT, &path, Some(&change)).await.status == 200
    })
    .await;
    until("health says so", Duration::from_secs(15), async || {
        let health = http::get(replicas.servers[0].port, "/health").await;
        health.json()["checks"]["database"]["status"] == "healthy"
    })
    .await;
}

#[tokio::test]
async fn a_schema_that_cannot_be_brought_up_to_date_for_want_of_room_says_so() {
    let db = crate::support::Cluster::get().empty().await;
    let owner = db.owner().await;
    let full = format!("alter database {} set default_transaction_read_only = on", db.name);
    owner.batch_execute(&full).await.expect("the owner may");
    let url = db.url();
    let ran = tokio::task::spawn_blocking(move || run(&["migrate"], &[("DATABASE_URL", &url)], ""));
    let output = ran.await.expect("it ends");
    assert!(!output.status.success());
    assert!(words(&output).contains("La base n'accepte pas d'écriture"), "{}", words(&output));
}
