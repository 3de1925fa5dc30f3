//! The tables as the database itself describes them, so that a new one takes part from its first day.

use std::collections::BTreeSet;

use tokio_postgres::Client;

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

/// What can be written into a column.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub has_default: bool,
    /// The table of the row that it names.
    pub names: Option<String>,
    /// The first of the only words that it takes.
    pub word: Option<String>,
}

/// Columns that name a row without a foreign key, or whose name says more than it.
const NAMES: &[(&str, &str)] = &[
    ("site_id", "sites"),
    ("video_id", "videos"),
    ("deployment_id", "content_deployments"),
    ("group_id", "groups"),
    ("user_id", "users"),
    ("agency_id", "agencies"),
    ("sponsor_id", "sponsors"),
    ("session_id", "sessions"),
];

/// Every table, each behind those that its rows name.
pub async fn tables(owner: &Client) -> Vec<Table> {
    let rows = owner
        .query(
            "select c.relname::text, a.attname::text, format_type(a.atttypid, null)::text, a.attnotnull, a.atthasdef, \
               (select f.confrelid::regclass::text from pg_constraint f \
                 where f.contype = 'f' and f.conrelid = c.oid and f.conkey = array[a.attnum] limit 1), \
               (select substring(pg_get_constraintdef(k.oid) from 'ARRAY\\[''([^'']*)''') from pg_constraint k \
                 where k.contype = 'c' and k.conrelid = c.oid and k.conkey = array[a.attnum] \
                 order by pg_get_constraintdef(k.oid) like '%ARRAY[%' desc limit 1) \
             from pg_class c join pg_attribute a on a.attrelid = c.oid \
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 \
               and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a' order by c.relname, a.attnum",
            &[],
        )
        .await
        .expect("the catalogue");
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let (table, name, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let by_name = NAMES.iter().find(|(column, _)| kind == "uuid" && *column == name);
        let names = by_name.map(|(_, table)| (*table).to_owned()).or(row.get(5));
        let column = Column { name, kind, is_required: row.get(3), has_default: row.get(4), names, word: row.get(6) };
        match tables.last_mut() {
            Some(last) if last.name == table => last.columns.push(column),
            _ => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    in_order(tables)
}

fn in_order(mut left: Vec<Table>) -> Vec<Table> {
    let (mut ordered, mut known): (Vec<Table>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    let all: BTreeSet<String> = left.iter().map(|table| table.name.clone()).collect();
    while !left.is_empty() {
        let is_ready = |table: &Table| {
            let named = table.columns.iter().filter_map(|column| column.names.as_ref());
            named.filter(|name| **name != table.name && all.contains(*name)).all(|name| known.contains(name))
        };
        let ready = left.iter().position(is_ready).expect("no two tables need each other first");
        let table = left.remove(ready);
        known.insert(table.name.clone());
        ordered.push(table);
    }
    ordered
}
