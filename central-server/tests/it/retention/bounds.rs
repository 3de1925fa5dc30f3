//! Every table that there is has a bound that somebody has stated: `docs/retention.md`.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::support::Cluster;

const DOCUMENT: &str = include_str!("../../../../docs/retention.md");

/// The tables of the document, each with what bounds it.
fn stated() -> Vec<(String, String)> {
    let (_, tables) = DOCUMENT.split_once("## Every table").expect("its heading");
    let (tables, _) = tables.split_once("\n## ").expect("the next one");
    let rows = tables.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`').to_owned();
        Some((name, cells.next()?.trim_end_matches('|').trim().to_owned()))
    });
    rows.collect()
}

async fn tables(owner: &Client) -> BTreeSet<String> {
    let sql =
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm')";
    owner.query(sql, &[]).await.expect("the catalogue").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn every_table_has_a_bound_in_the_document() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    let stated = stated();
    assert!(stated.len() > 30, "{stated:?}");
    for (name, bound) in &stated {
        assert!(bound.len() > 5, "{name} has no bound");
    }
    let named: BTreeSet<String> = stated.into_iter().map(|(name, _)| name).collect();
    let there = tables(&owner).await;
    let unstated: Vec<&String> = there.difference(&named).collect();
    assert!(unstated.is_empty(), "tables of which docs/retention.md does not say what bounds them: {unstated:?}");
    let gone: Vec<&String> = named.difference(&there).collect();
    assert!(gone.is_empty(), "tables that are not there: {gone:?}");
    // The control: a table that somebody has forgotten.
    owner.batch_execute("create table forgotten (id int)").await.expect("the owner may");
    assert_eq!(tables(&owner).await.difference(&named).collect::<Vec<_>>(), ["forgotten"]);
}
