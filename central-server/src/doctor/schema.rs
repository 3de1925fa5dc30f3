//! The schema as it is, against the migrations of this program.

use tokio_postgres::Client;

use super::catalogue::{DATABASE_DRIFT, DATABASE_OUTSIDERS, DATABASE_SCHEMA, DATABASE_WALLS};
use super::store::{self, Facts, Recorded, Walls};
use super::words::{self, Said};
use super::{Check, Finding};
use crate::db::{Statements as _, migrations};

/// How many names are listed at most.
const MOST_NAMES: usize = 8;

/// What stands in the record, and whether the rest is as it says; first whether the schema can be worked with.
pub(super) async fn look(client: &Client, facts: &Facts) -> (bool, Vec<Finding>) {
    let recorded = match facts {
        Facts { is_neopro_1: true, .. } => {
            let finding = Finding::error(DATABASE_SCHEMA, words::SCHEMA_OF_NEOPRO_1, words::MEND_NEOPRO_1);
            return (false, alone(finding));
        }
        Facts { has_record: false, .. } => {
            return (false, alone(Finding::error(DATABASE_SCHEMA, words::SCHEMA_NONE, words::MEND_SCHEMA)));
        }
        _ => store::recorded().run(client).await,
    };
    let recorded = match recorded {
        Ok(recorded) if !recorded.is_empty() => recorded,
        // To whoever is not the owner, and is not refused, the table looks empty.
        unread => {
            let why = unread.err().map_or_else(|| "0".to_owned(), |error| error.to_string());
            let said = Said::new(words::SCHEMA_UNREADABLE).with("role", &facts.role).with("why", why);
            let owner = facts.owner.as_deref().unwrap_or_default();
            let mend = Said::new(words::MEND_OWNER).with("owner", owner);
            return (false, alone(Finding::error(DATABASE_SCHEMA, said, mend)));
        }
    };
    let (is_whole, version) = version(&recorded);
    let mut findings = vec![version];
    if !is_whole {
        findings.extend(unknown());
        return (false, findings);
    }
    match store::walls(names()).run(client).await {
        Ok(walls) => findings.extend([drift(&recorded, &walls), row_security(&walls), outsiders(&walls)]),
        Err(error) => {
            let said = Said::new(words::NOT_READ).with("why", error);
            findings.extend(BEHIND.map(|check| Finding::not_checked(check, said.clone())));
        }
    }
    (true, findings)
}

/// What has to be there. A name that ends in a dash is the beginning of several, which a migration makes in a loop.
fn names() -> Vec<String> {
    migrations::names().into_iter().filter(|name| !name.ends_with('_')).collect()
}

const BEHIND: [&Check; 3] = [DATABASE_DRIFT, DATABASE_WALLS, DATABASE_OUTSIDERS];

fn unknown() -> impl Iterator<Item = Finding> {
    BEHIND.into_iter().map(|check| Finding::not_checked(check, words::NO_SCHEMA))
}

fn alone(finding: Finding) -> Vec<Finding> {
    std::iter::once(finding).chain(unknown()).collect()
}

fn version(recorded: &[Recorded]) -> (bool, Finding) {
    let (latest, has) = (migrations::latest(), |version: i32| recorded.iter().any(|row| row.version == version));
    let newest = recorded.last().map_or(0, |row| row.version);
    let said = |words| Said::new(words).with("version", newest).with("latest", latest);
    if migrations::versions().any(|version| !has(version)) {
        return (false, Finding::error(DATABASE_SCHEMA, said(words::SCHEMA_OLD), words::MEND_SCHEMA));
    }
    let words = if newest > latest { words::SCHEMA_NEWER } else { words::SCHEMA_OK };
    (true, Finding::ok(DATABASE_SCHEMA, said(words)))
}

fn drift(recorded: &[Recorded], walls: &Walls) -> Finding {
    let others: Vec<String> = migrations::records()
        .filter(|(version, _, checksum)| {
            recorded.iter().any(|row| row.version == *version && row.checksum != *checksum)
        })
        .map(|(_, name, _)| name.to_owned())
        .collect();
    if !walls.missing.is_empty() {
        let said = Said::new(words::DRIFT_MISSING).with("names", listed(&walls.missing));
        return Finding::error(DATABASE_DRIFT, said, words::MEND_DRIFT);
    }
    if !others.is_empty() {
        let said = Said::new(words::DRIFT_OTHER).with("names", listed(&others));
        return Finding::error(DATABASE_DRIFT, said, words::MEND_DRIFT);
    }
    Finding::ok(DATABASE_DRIFT, Said::new(words::DRIFT_NONE).with("count", names().len()))
}

fn row_security(walls: &Walls) -> Finding {
    if walls.open.is_empty() {
        return Finding::ok(DATABASE_WALLS, Said::new(words::WALLS_OK).with("count", walls.tables));
    }
    let said = Said::new(words::WALLS_OPEN).with("names", listed(&walls.open));
    Finding::error(DATABASE_WALLS, said, words::MEND_WALLS)
}

fn outsiders(walls: &Walls) -> Finding {
    if !walls.let_in.is_empty() {
        let said = Said::new(words::OUTSIDERS_LET_IN).with("names", listed(&walls.let_in));
        return Finding::error(DATABASE_OUTSIDERS, said, words::MEND_OUTSIDERS);
    }
    let words = if walls.has_outsiders { words::OUTSIDERS_KEPT_OUT } else { words::OUTSIDERS_NONE };
    Finding::ok(DATABASE_OUTSIDERS, words)
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let first = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} (+ {more})") }
}
