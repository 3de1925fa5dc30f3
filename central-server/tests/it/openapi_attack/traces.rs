//! What an attack has left behind: in the tables, in the journal, on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::grounds::{Grounds, KEEPER, Who};
use crate::support::program::{run, words};

/// What the server writes by itself while it runs, whoever asks for what: who was there when, the journal and its
/// seals, the counters of guesses, work that waits, when it looked for alerts and what it has to tell of them.
const ITS_OWN: [&str; 13] = [
    "alert_notices",
    "alert_watch",
    "audit_logs",
    "audit_seals",
    "jobs",
    "known_places",
    "login_challenges",
    "password_links",
    "replicas",
    "second_factor_tries",
    "session_handles",
    "sessions",
    "tries",
];

/// A file that one of the words would make.
const TOUCHED: &str = "/tmp/neopro-attack";

/// The rows of every table, as texts.
pub struct Traces(BTreeMap<String, BTreeSet<String>>);

impl Traces {
    pub async fn of(grounds: &Grounds) -> Self {
        let owner = grounds.db.owner().await;
        let mut tables = BTreeMap::new();
        for table in &grounds.world.tables {
            let name = &table.name;
            let rows = owner.query(&format!("select t::text from {name} t"), &[]).await.expect("its rows");
            tables.insert(name.clone(), rows.iter().map(|row| row.get(0)).collect());
        }
        Self(tables)
    }

    /// Holds what is there now against what was there before.
    pub async fn compare(self, grounds: &Grounds, who: Who) {
        assert!(!Path::new(TOUCHED).exists(), "a word was run as a program");
        // Who may change something does; and whoever looks after the rows that go writes himself.
        if !who.can_delete() && who != Who::Token("commands:write") {
            let changed = self.changed(&Self::of(grounds).await, who);
            assert!(changed.is_empty(), "{} changed what is not its own:\n{}", who.name(), changed.join("\n"));
        }
        journal_is_intact(grounds).await;
    }

    /// The rows that are not as they were, beside those that may change.
    fn changed(&self, after: &Self, who: Who) -> Vec<String> {
        let mut changed = Vec::new();
        for (table, before) in self.0.iter().filter(|(table, _)| !ITS_OWN.contains(&table.as_str())) {
            let after = &after.0[table];
            let gone = before.difference(after).map(|row| format!("- {table}: {row}"));
            let new = after.difference(before).map(|row| format!("+ {table}: {row}"));
            changed.extend(gone.chain(new).filter(|line| !is_its_own(table, line, who)));
        }
        changed
    }
}

/// What somebody does to his own account is his affair: his language, his tokens, when he was there last.
fn is_its_own(table: &str, line: &str, who: Who) -> bool {
    let is_a_person = !matches!(who, Who::Box | Who::Nobody);
    let line = line.to_lowercase();
    match table {
        "users" => line.contains(KEEPER) || (is_a_person && line.contains(&who.email().to_lowercase())),
        "api_tokens" => is_a_person,
        _ => false,
    }
}

/// Every entry is sealed sooner or later, and no seal is broken.
async fn journal_is_intact(grounds: &Grounds) {
    let owner = grounds.db.owner().await;
    let until = Instant::now() + Duration::from_secs(40);
    loop {
        let open = "select count(*) from audit_logs where number is null";
        let open: i64 = owner.query_one(open, &[]).await.expect("a count").get(0);
        if open == 0 {
            break;
        }
        assert!(Instant::now() < until, "{open} entries of the journal are not sealed");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let output = run(&["verify-audit"], &[("DATABASE_URL", &grounds.db.url())], "");
    let said = words(&output);
    assert!(output.status.success() && said.contains("Le journal est intact."), "{said}");
}
