//! What NeoPro 1 kept in clear: second factors, passwords in configurations and in commands. Sealed or hashed, and gone
//! from the old tables.

use neopro_protocol::configuration::{self, MASK};
use serde_json::{Map, Value};
use tokio_postgres::Client;
use uuid::Uuid;

use super::report::Kind;
use super::store::{self, Masked, NewFactor};
use crate::auth::password::Passwords;
use crate::auth::second_factor;
use crate::db::migrations::MigrateError;
use crate::ids::UserId;
use crate::sealing::Sealer;

/// A text in which one of the names occurs under which secrets stand, as PostgreSQL reads it. It finds more than there
/// is: each such document is looked into.
pub(super) const NAMES: &str = "pass.?w|pass.?phrase|secret|token|api.?key|psk|private.?key";

/// Rows that are in memory at the same time.
const BATCH: i64 = 100;

/// Columns of old tables whose documents may hold secrets.
const DOCUMENTS: [(&str, &str); 5] = [
    ("remote_commands", "command_data"),
    ("remote_commands", "result"),
    ("pending_commands", "command_data"),
    ("config_history", "configuration"),
    ("config_history", "changes_summary"),
];

/// What secrets are sealed with.
#[derive(Debug)]
pub struct Keys {
    /// Second factors.
    factors: Sealer,
    /// Documents: configurations and commands.
    documents: Sealer,
}

impl Keys {
    /// The keys under the `MFA_ENCRYPTION_KEY` of the server.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { factors: Sealer::new(secret, "mfa"), documents: Sealer::new(secret, "mirror") }
    }
}

/// Keys that are asked for when the first secret comes.
struct Chest<'a> {
    ask: &'a (dyn Fn() -> Result<Keys, String> + Sync),
    keys: Option<Keys>,
}

impl Chest<'_> {
    fn keys(&mut self) -> Result<&Keys, MigrateError> {
        if self.keys.is_none() {
            self.keys = Some((self.ask)().map_err(MigrateError::Refused)?);
        }
        self.keys.as_ref().ok_or(MigrateError::Connection(crate::db::Error::Missing))
    }
}

/// Seals everything.
pub(super) async fn seal(client: &Client, ask: &(dyn Fn() -> Result<Keys, String> + Sync)) -> Result<(), MigrateError> {
    let mut chest = Chest { ask, keys: None };
    factors(client, &mut chest).await?;
    mirrors(client, &mut chest).await?;
    for (table, column) in DOCUMENTS {
        if store::has_column(client, table, column).await? {
            documents(client, &mut chest, table, column).await?;
        }
    }
    Ok(())
}

async fn factors(client: &Client, chest: &mut Chest<'_>) -> Result<(), MigrateError> {
    let passwords = Passwords::default();
    let (mut taken, mut lost, mut begun) = (0, Vec::new(), 0);
    for old in store::old_factors(client).await? {
        if !old.is_on {
            begun += 1;
            continue;
        }
        let factor = match &old.secret {
            None => None,
            Some(secret) => {
                let (sealer, user) = (&chest.keys()?.factors, UserId(old.user));
                let adopted = second_factor::adopt(sealer, &passwords, user, secret, &codes(&old.codes)).await;
                adopted.map_err(|error| MigrateError::Refused(error.sentence()))?
            }
        };
        match factor {
            Some(second_factor::Adopted { sealed, codes }) => {
                store::keep_factor(client, &NewFactor { user: old.user, sealed, codes }).await?;
                taken += 1;
            }
            None => lost.push(old.user.to_string()),
        }
    }
    if store::has_column(client, "users", "mfa_secret").await? {
        store::hold_triggers(client, "users", true).await?;
        store::forget_clear_factors(client).await?;
        store::hold_triggers(client, "users", false).await?;
    }
    let unusable = lost.len().try_into().unwrap_or(i64::MAX);
    lost.truncate(20);
    let sentence = "Doubles authentifications, secret chiffré et codes de secours hachés";
    store::note(client, Kind::Taken, sentence, taken, &[]).await?;
    let sentence = "Comptes dont la double authentification n'a pas de secret utilisable : ils ne se connectent pas avant \
                    « neopro-central reset-mfa »";
    store::note(client, Kind::Changed, sentence, unusable, &lost).await?;
    let sentence = "Doubles authentifications commencées et jamais activées : à recommencer";
    store::note(client, Kind::Changed, sentence, begun, &[]).await
}

/// The texts of an array, which may itself stand in a text.
fn codes(value: &Value) -> Vec<String> {
    let inner = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let array = inner.as_ref().unwrap_or(value).as_array();
    array.into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect()
}

async fn mirrors(client: &Client, chest: &mut Chest<'_>) -> Result<(), MigrateError> {
    if !store::has_column(client, "sites", "local_config_mirror").await? {
        return Ok(());
    }
    store::hold_triggers(client, "sites", true).await?;
    let (mut after, mut taken, mut odd) = (Uuid::nil(), 0, Vec::new());
    loop {
        let mirrors = store::old_mirrors(client, after, BATCH).await?;
        let Some(last) = mirrors.last() else { break };
        after = last.site;
        for mirror in mirrors {
            if !mirror.document.is_object() {
                odd.push(mirror.site.to_string());
                continue;
            }
            let videos = configuration::deployed_videos(&mirror.document);
            let masked = apart(chest, mirror.site, &mirror.site.to_string(), mirror.document)?;
            store::keep_mirror(client, &masked, mirror.hash.as_deref(), &videos).await?;
            taken += 1;
        }
    }
    store::hold_triggers(client, "sites", false).await?;
    let wanted = store::want_what_is_there(client).await?;
    store::note(client, Kind::Taken, "Copies de configurations, leurs secrets chiffrés à part", taken, &[]).await?;
    store::note(client, Kind::Taken, "Vidéos que les boîtiers montrent avoir, et qui y restent", wanted, &[]).await?;
    let count = odd.len().try_into().unwrap_or(i64::MAX);
    odd.truncate(20);
    store::note(client, Kind::Kept, "Copies de configurations illisibles : dans neopro_1.sites", count, &odd).await
}

async fn documents(client: &Client, chest: &mut Chest<'_>, table: &str, column: &str) -> Result<(), MigrateError> {
    store::hold_triggers(client, table, true).await?;
    store::add_place(client, table, column).await?;
    let (mut after, mut sealed) = (Uuid::nil(), 0);
    loop {
        let rows = store::suspects(client, table, column, after, BATCH).await?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        let mut masked = Vec::with_capacity(rows.len());
        for (id, document) in rows {
            masked.push(apart(chest, id, &format!("neopro_1 {table}.{column} {id}"), document)?);
        }
        sealed += masked.iter().filter(|row| row.sealed.is_some()).fold(0, |count: i64, _| count + 1);
        store::keep_masked(client, table, column, &masked).await?;
    }
    store::hold_triggers(client, table, false).await?;
    let sentence = format!("Secrets de neopro_1.{table} ({column}) : chiffrés dans {column}_sealed, masqués ailleurs");
    store::note(client, Kind::Changed, &sentence, sealed, &[]).await
}

/// A document with its secrets apart, sealed for this place.
fn apart(chest: &mut Chest<'_>, id: Uuid, place: &str, document: Value) -> Result<Masked, MigrateError> {
    let (mut document, mut secrets) = configuration::split(document);
    mask_changes(&mut document, &mut secrets);
    let sealed = match secrets.is_empty() {
        true => None,
        false => Some(sealed(&chest.keys()?.documents, place, secrets)?),
    };
    Ok(Masked { id, document, sealed })
}

fn sealed(sealer: &Sealer, place: &str, secrets: Map<String, Value>) -> Result<String, MigrateError> {
    let text = Value::Object(secrets).to_string();
    sealer.seal(place, text.as_bytes()).map_err(|why| MigrateError::Refused(format!("Chiffrement impossible : {why}.")))
}

/// A list of changes names what has changed beside what it was and is: `{path, oldValue, newValue}`.
fn mask_changes(document: &mut Value, secrets: &mut Map<String, Value>) {
    for (index, change) in document.as_array_mut().into_iter().flatten().enumerate() {
        let names_a_secret =
            ["path", "field"].iter().any(|key| change[key].as_str().is_some_and(configuration::is_secret));
        let Some(members) = change.as_object_mut().filter(|_| names_a_secret) else { continue };
        for key in ["oldValue", "newValue"] {
            if let Some(value) = members.get_mut(key).filter(|value| !matches!(value, Value::Null | Value::Bool(_))) {
                secrets.insert(format!("/{index}/{key}"), std::mem::replace(value, MASK.into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_read_in_both_ways_in_which_they_were_written() {
        for value in [json!(["AB12-CD34"]), json!("[\"AB12-CD34\"]"), json!(["AB12-CD34", 7, null])] {
            assert_eq!(codes(&value), ["AB12-CD34"]);
        }
        for value in [json!(null), json!("AB12-CD34"), json!({}), json!(7)] {
            assert!(codes(&value).is_empty(), "{value}");
        }
    }

    #[test]
    fn what_a_password_was_changed_from_and_to_is_masked() {
        let mut changes = json!([
            {"path": "auth.password", "oldValue": "one", "newValue": "two"},
            {"field": "clubName", "oldValue": "A", "newValue": "B"},
            {"path": "wifi.psk", "oldValue": null, "newValue": "three"}, 7,
        ]);
        let mut secrets = Map::new();
        mask_changes(&mut changes, &mut secrets);
        assert_eq!(changes[0], json!({"path": "auth.password", "oldValue": MASK, "newValue": MASK}));
        assert_eq!(changes[1]["newValue"], "B");
        assert_eq!(changes[2]["oldValue"], json!(null));
        let places = [("/0/oldValue", "one"), ("/0/newValue", "two"), ("/2/newValue", "three")];
        assert_eq!(secrets, places.into_iter().map(|(place, value)| (place.to_owned(), json!(value))).collect());
    }
}
