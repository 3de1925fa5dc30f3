//! Two agencies and two sponsors, each with two clubs of which everything is on record. Every text of theirs carries a
//! word of their own, so that an answer shows whose rows it is made of.

use std::collections::BTreeMap;

use neopro_central::db::Scope;
use neopro_central::ids::{AgencyId, SponsorId, UserId};
use tokio_postgres::Client;
use uuid::Uuid;

use super::catalogue::{Column, Table, tables};
use crate::support::TestApp;
use crate::support::app::PASSWORD;

/// What the words of all tenants begin with.
pub const PREFIX: &str = "Zyx";

/// How many clubs a tenant has.
pub const CLUBS: usize = 2;

/// The word of a club that is no tenant's any more.
pub const NOBODYS: &str = "Zyxniemands";

/// A group with a club of each tenant in it.
pub const SHARED_GROUP: &str = "Gemeinsam";

const WORDS: [(&str, &str); 4] =
    [("agency", "Zyxagenrot"), ("agency", "Zyxagenblau"), ("sponsor", "Zyxsponrot"), ("sponsor", "Zyxsponblau")];

/// Tables whose rows are the server's own, or made by it from those of others.
const MADE_BY_OTHERS: [&str; 4] = ["schema_migrations", "site_total", "deployment_tallies", "alert_watch"];

/// Tables in which no column is free to carry a word: bare links and figures.
const WORDLESS: &[&str] = &[
    "agency_sites",
    "audit_seals",
    "club_daily_stats",
    "mail_days",
    "second_factor_tries",
    "site_figures",
    "site_figures_5min",
    "site_groups",
    "site_latest",
    "site_removals",
    "site_videos",
    "sponsor_sites",
    "storage_traffic",
];

/// Tables in which logging in leaves rows as well, or the group that all share; all other rows carry a word.
const ALSO_WITHOUT: &[&str] = &["audit_logs", "groups", "known_places", "sessions"];

/// What a column holds that takes no text of any kind, as SQL. `{word}`, `{kind}` and `{n}` are the tenant's word and
/// kind, and a number that no other row has.
const SPECIAL: &[(&str, &str)] = &[
    ("api_tokens.expires_at", "'2026-06-15 12:00+00'"),
    ("audit_logs.target_id", "'{site}'"),
    ("audit_logs.target_type", "'site'"),
    ("content_deployments.action", "'install'"),
    ("content_deployments.selected_groups", "null"),
    ("content_deployments.selected_sites", "null"),
    ("content_deployments.started_at", "'2026-01-15 11:00+00'"),
    ("content_deployments.target_id", "'{site}'"),
    ("deployment_selections.target_id", "'{site}'"),
    ("deployment_targets.action", "'install'"),
    ("sessions.expires_at", "'2026-06-15 12:00+00'"),
    ("site_figures.hour", "'2026-01-15 11:00+00'"),
    ("site_figures_5min.slot", "'2026-01-15 11:55+00'"),
    ("site_latest.heard_at", "'2026-01-15 11:59+00'"),
    ("site_states.drift", "'[{\"kind\": \"missing\", \"name\": \"{word} drift {n}\"}]'"),
    ("sites.last_seen_at", "'2026-01-15 11:59+00'"),
    (
        "sites.location",
        "'{\"city\": \"{word} city\", \"region\": \"{word} region\", \"coordinates\": {\"lat\": 1, \"lng\": 2}}'",
    ),
    ("sites.sports", "'[\"{word} sport\"]'"),
    ("sites.time_zone", "'Europe/Paris'"),
    ("users.email", "'{word}.{n}@tenant.test'"),
    ("users.password_hash", "'{hash}'"),
    ("users.role", "'{kind}'"),
    ("video_play_blocks.at", "'{1}'"),
    ("video_play_blocks.facts", "'{1}'"),
    ("videos.checksum", "md5('{n}') || md5('{word}')"),
    ("videos.mime_type", "'video/mp4'"),
];

/// A tenant with a person who is logged in.
#[derive(Debug)]
pub struct Tenant {
    pub kind: &'static str,
    pub word: &'static str,
    pub token: String,
    /// The ids of its rows, of each of its clubs, by table.
    pub clubs: Vec<BTreeMap<String, Uuid>>,
}

impl Tenant {
    /// The id of a row of its first club.
    pub fn id(&self, table: &str) -> Option<Uuid> {
        self.clubs[0].get(table).copied()
    }

    /// Its sites.
    pub fn sites(&self) -> Vec<Uuid> {
        self.clubs.iter().map(|club| club["sites"]).collect()
    }

    /// As whom its statements run.
    pub fn scope(&self) -> Scope {
        let user = UserId(self.clubs[0]["users"]);
        match self.kind {
            "agency" => Scope::Agency(user, AgencyId(self.clubs[0]["agencies"])),
            _ => Scope::Sponsor(user, SponsorId(self.clubs[0]["sponsors"])),
        }
    }
}

/// All that is on record.
pub struct World {
    pub tables: Vec<Table>,
    pub tenants: Vec<Tenant>,
    pub shared_group: Uuid,
}

impl World {
    /// Fills the database of a new server.
    pub async fn build(app: &TestApp) -> Self {
        let owner = app.db.owner().await;
        let tables = tables(&owner).await;
        let hash = app.app.passwords.hash(PASSWORD.into()).await.expect("a hash");
        let mut writer = Writer { owner: &owner, hash, number: 0 };
        let mut tenants = Vec::new();
        for (kind, word) in WORDS {
            let clubs = writer.tenant(&tables, kind, word).await;
            let email: String = owner
                .query_one("select email from users where id = $1", &[&clubs[0]["users"]])
                .await
                .expect("its person")
                .get(0);
            tenants.push(Tenant { kind, word, token: app.login(&email).await, clubs });
        }
        let shared_group = share(&owner, &tenants).await;
        let world = Self { tables, tenants, shared_group };
        world.is_full(&owner).await;
        world
    }

    /// The other tenants.
    pub fn others<'a>(&'a self, tenant: &'a Tenant) -> impl Iterator<Item = &'a Tenant> {
        self.tenants.iter().filter(|other| other.word != tenant.word)
    }

    /// The word of another tenant, or of nobody, that stands in a text in small letters.
    pub fn foreign_word(&self, tenant: &Tenant, text: &str) -> Option<&'static str> {
        let words = self.others(tenant).map(|other| other.word).chain([NOBODYS]);
        words.into_iter().find(|word| text.contains(&word.to_lowercase()))
    }

    /// An id of another tenant's row that stands in a text.
    pub fn foreign_id(&self, tenant: &Tenant, text: &str) -> Option<Uuid> {
        let ids = self.others(tenant).flat_map(|other| other.clubs.iter().flat_map(|club| club.values()));
        ids.copied().find(|id| text.contains(&id.to_string()))
    }

    /// Every table has rows of every tenant whose kind can have some, and its texts carry their words.
    async fn is_full(&self, owner: &Client) {
        let mut carried = 0;
        for Table { name, .. } in self.tables.iter().filter(|table| !MADE_BY_OTHERS.contains(&table.name.as_str())) {
            let mut words = Vec::new();
            for tenant in &self.tenants {
                let sql = format!("select count(*) from {name} t where strpos(lower(t::text), lower($1)) > 0");
                let count: i64 = owner.query_one(&sql, &[&tenant.word]).await.expect("a count").get(0);
                words.extend((count > 0).then_some(tenant.kind));
            }
            let expected = match name.as_str() {
                "agencies" => ["agency"; 2].to_vec(),
                "sponsors" => ["sponsor"; 2].to_vec(),
                wordless if WORDLESS.contains(&wordless) => Vec::new(),
                _ => vec!["agency", "agency", "sponsor", "sponsor"],
            };
            assert_eq!(words, expected, "{name}: whose words stand in it");
            let bare = format!("select count(*) from {name} t where strpos(lower(t::text), lower($1)) = 0");
            let bare: i64 = owner.query_one(&bare, &[&PREFIX]).await.expect("a count").get(0);
            let may = WORDLESS.contains(&name.as_str()) || ALSO_WITHOUT.contains(&name.as_str());
            assert!(bare == 0 || may, "{name}: {bare} of its rows carry no word");
            carried += words.len();
        }
        assert!(carried >= 60, "{carried}");
    }
}

/// What belongs to two tenants at once, and what has belonged to one.
async fn share(owner: &Client, tenants: &[Tenant]) -> Uuid {
    let group = Uuid::now_v7();
    let members: Vec<Uuid> = tenants.iter().map(|tenant| tenant.sites()[0]).collect();
    owner.execute("insert into groups (id, name) values ($1, $2)", &[&group, &SHARED_GROUP]).await.expect("a group");
    owner
        .execute("insert into site_groups (group_id, site_id) select $1, unnest($2::uuid[])", &[&group, &members])
        .await
        .expect("its members");
    // A club of nobody's has shown a sponsor once.
    owner
        .execute(
            "with club as ( \
               insert into sites (site_name, club_name, api_key) values ($2, $2, $2) returning id) \
             insert into sponsor_sites (sponsor_id, site_id, is_active) select $1, id, false from club",
            &[&tenants[2].clubs[0]["sponsors"], &NOBODYS],
        )
        .await
        .expect("a contract that is over");
    group
}

/// Writes rows, each of them once and with a number of its own.
struct Writer<'a> {
    owner: &'a Client,
    hash: String,
    number: u32,
}

impl Writer<'_> {
    async fn tenant(&mut self, tables: &[Table], kind: &str, word: &str) -> Vec<BTreeMap<String, Uuid>> {
        let foreign = if kind == "agency" { ["sponsors", "sponsor_sites"] } else { ["agencies", "agency_sites"] };
        let mut clubs: Vec<BTreeMap<String, Uuid>> = Vec::new();
        for _ in 0..CLUBS {
            let mut rows = BTreeMap::new();
            for table in tables {
                let name = table.name.as_str();
                if MADE_BY_OTHERS.contains(&name) || foreign.contains(&name) {
                    continue;
                }
                // The tenant and its person are the same for all of its clubs.
                let first = clubs.first().and_then(|first| first.get(name));
                if let Some(first) = first.filter(|_| ["agencies", "sponsors", "users"].contains(&name)) {
                    rows.insert(name.to_owned(), *first);
                } else {
                    self.row(table, kind, word, &mut rows).await;
                }
            }
            clubs.push(rows);
        }
        clubs
    }

    async fn row(&mut self, table: &Table, kind: &str, word: &str, rows: &mut BTreeMap<String, Uuid>) {
        self.number += 1;
        let id = Uuid::now_v7();
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let value = match column.name.as_str() {
                "id" if column.kind == "uuid" => {
                    rows.insert(table.name.clone(), id);
                    Some(format!("'{id}'"))
                }
                _ => self.value(&table.name, column, word, rows),
            };
            if let Some(value) = value {
                names.push(column.name.clone());
                values.push(value);
            }
        }
        let site = rows.get("sites").map(Uuid::to_string).unwrap_or_default();
        let sql = format!(
            "insert into {} ({}) values ({}) on conflict do nothing",
            table.name,
            names.join(", "),
            values.join(", ")
        )
        .replace("{word}", word)
        .replace("{kind}", kind)
        .replace("{n}", &self.number.to_string())
        .replace("{hash}", &self.hash)
        .replace("{site}", &site);
        if let Err(error) = self.owner.batch_execute(&sql).await {
            let why = error.as_db_error().map(ToString::to_string).unwrap_or_default();
            panic!("no row for {} could be made up: say in SPECIAL what its columns hold.\n{why}\n{sql}", table.name);
        }
    }

    /// What a column holds; `None` leaves it to its default.
    fn value(&self, table: &str, column: &Column, word: &str, rows: &BTreeMap<String, Uuid>) -> Option<String> {
        let Column { name, kind, is_required, has_default, names, word: only } = column;
        if let Some((_, special)) = SPECIAL.iter().find(|(place, _)| *place == format!("{table}.{name}")) {
            return Some((*special).to_owned());
        }
        if let Some(named) = names {
            return rows.get(named).map(|id| format!("'{id}'"));
        }
        match (kind.as_str(), only) {
            (_, Some(_)) if *has_default => None,
            ("text[]", Some(only)) => Some(format!("array['{only}']")),
            (_, Some(only)) => Some(format!("'{only}'")),
            ("text", None) => Some(format!("'{word} {name} {{n}}'")),
            ("text[]", None) => Some(format!("array['{word} {name} {{n}}']")),
            ("jsonb", None) => Some(format!("'{{\"note\": \"{word} {name} {{n}}\"}}'")),
            _ if *has_default || !*is_required => None,
            ("uuid", None) => Some("gen_random_uuid()".to_owned()),
            ("timestamp with time zone", None) => Some("'2026-01-15 11:30+00'".to_owned()),
            ("date", None) => Some("'2026-01-15'".to_owned()),
            ("boolean", None) => Some("false".to_owned()),
            ("bytea", None) => Some("convert_to('{word} {n}', 'UTF8')".to_owned()),
            _ => Some("{n}".to_owned()),
        }
    }
}
