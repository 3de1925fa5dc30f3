//! Protocol 1: boxes of the field know no desired state. What is missing is found here and told to them as commands,
//! one at a time: they change their configuration file without a lock, and two at once lose one.
//!
//! Nothing else in the server knows of this protocol.

use std::collections::HashMap;
use std::time::Duration;

use neopro_protocol::configuration::{self, DeployedVideo};
use serde_json::{Value, json};
use uuid::Uuid;

use super::session::Handle;
use super::store::{self, NextCommand, Outcome};
use super::v2::clean;
use crate::app::App;
use crate::db;
use crate::events::Change;
use crate::ids::{CommandId, SiteId};
use crate::storage::Bucket;

/// How long the mirror of a box is waited for before it gets commands without having shown what it has.
pub(super) const MIRROR_PATIENCE: Duration = Duration::from_secs(10);
/// How often an answer that cannot be written down is tried, and how many times: the box will not repeat it.
pub(super) const TRIED_EVERY: Duration = Duration::from_secs(3);
pub(super) const TRIES: usize = 15;

/// Tells boxes what to do next, those that are not busy. The commands are on record before they leave.
pub(super) async fn step(app: &App, boxes: &[(SiteId, Handle)]) {
    let Ok(db) = app.db() else { return };
    let asked: Vec<_> = boxes.iter().map(|(site, _)| (*site, CommandId::new())).collect();
    let next = match db.run_as_system(store::next_commands(&asked, app.clock.now())).await {
        Ok(next) => next,
        // The sweep comes back to it.
        Err(error) => {
            return tracing::warn!(%error, sites = boxes.len(), "the next commands of boxes could not be found");
        }
    };
    let handles: HashMap<SiteId, &Handle> = boxes.iter().map(|(site, handle)| (*site, handle)).collect();
    for NextCommand { site_id, command_id, command_type, command_data: mut data, storage_path } in next {
        if let (Some(path), Some(data)) = (storage_path, data.as_object_mut()) {
            data.insert("videoUrl".into(), app.storage.public_url(Bucket::Videos, &path).into());
        }
        if let Some(handle) = handles.get(&site_id) {
            handle.emit("command", &json!({ "id": command_id, "type": command_type, "data": data }));
        }
    }
}

/// Takes the answer to a command that carries out a deployment: the next one may follow. Whether it is written down.
pub(super) async fn result(app: &App, site: SiteId, command: CommandId, data: &Value) -> bool {
    let succeeded = data["status"] == "success";
    let message = data["error"].as_str().map(|text| clean(text, 500));
    let outcome = Outcome {
        succeeded,
        // Results of other commands can be long; what is asked of these is a name and a hash.
        result: json!({
            "filename": data["result"]["filename"].as_str().map(|name| clean(name, 255)),
            "checksum": data["result"]["checksum"].as_str().map(|hash| clean(hash, 64)),
            "size": data["result"]["size"].as_i64(),
        }),
        code: (!succeeded).then(|| code(message.as_deref().unwrap_or_default())),
        message: (!succeeded).then(|| message.unwrap_or_else(|| "Le boîtier n'a pas dit pourquoi.".into())),
    };
    app.live.progress.forget(site);
    let write = || store::finish_command(site, command, &outcome, app.clock.now());
    match insistently(app, write).await {
        Ok(true) => {
            app.changes.note(Change::Work(site));
            app.live.bell.ring([site]);
            true
        }
        Ok(false) => {
            tracing::debug!(%site, %command, "a result that nobody waits for");
            true
        }
        Err(error) => {
            tracing::warn!(%site, %command, %error, "the result of a command is lost");
            false
        }
    }
}

/// How far a download is.
pub(super) fn progress(app: &App, site: SiteId, data: &Value) {
    let video = data["videoId"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    if let (Some(video), Some(percent)) = (video, data["progress"].as_f64()) {
        app.live.progress.note(site, video, percent);
    }
}

/// A mirror as it is written down.
struct Mirror {
    /// The document without its secrets, as text: the same one may be written several times.
    document: String,
    secrets: Option<String>,
    hash: Option<String>,
    videos: Vec<DeployedVideo>,
}

/// Takes a mirror apart. Of a box of protocol 1 it is also what shows which of our videos it has.
fn take_apart(app: &App, site: SiteId, mut data: Value, is_old: bool) -> Option<Mirror> {
    let mut document = data["config"].take();
    if !document.is_object() {
        tracing::debug!(%site, "a mirror without a configuration");
        return None;
    }
    let videos = if is_old { configuration::deployed_videos(&document) } else { Vec::new() };
    let hash = data["configHash"].as_str().map(|hash| clean(hash, 64));
    without_nul(&mut document);
    let (shown, secrets) = configuration::split(document);
    let secrets = match secrets.is_empty() {
        true => None,
        false => match app.sealer.seal(&site.to_string(), Value::Object(secrets).to_string().as_bytes()) {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                tracing::error!(%site, %error, "the secrets of a mirror could not be sealed");
                return None;
            }
        },
    };
    Some(Mirror { document: shown.to_string(), secrets, hash, videos })
}

/// Takes the mirror of a box's configuration.
pub(super) async fn mirror(app: &App, site: SiteId, data: Value, is_old: bool, is_large: bool) {
    let mirror = if is_large {
        let of = app.clone();
        app.live.beside.run(move || take_apart(&of, site, data, is_old)).await.flatten()
    } else {
        take_apart(app, site, data, is_old)
    };
    let Some(Mirror { document, secrets, hash, videos }) = mirror else { return };
    let write =
        || store::keep_mirror(site, document.clone(), secrets.clone(), hash.clone(), is_old, &videos, app.clock.now());
    match insistently(app, write).await {
        Ok(()) if is_old => {
            app.live.seats.has_shown(site);
            app.changes.note(Change::Work(site));
            app.live.bell.ring([site]);
        }
        Ok(()) => app.changes.note(Change::Site(site)),
        Err(error) => tracing::warn!(%site, %error, "a mirror could not be kept"),
    }
}

/// Runs what a box says once and will not repeat, also over a short trouble of the database.
async fn insistently<T: Send + 'static>(app: &App, mut write: impl FnMut() -> db::Query<T>) -> Result<T, db::Error> {
    let mut tries = 0;
    loop {
        let outcome = match app.db() {
            Ok(db) => db.run_as_system(write()).await,
            Err(error) => Err(db::Error::Unavailable(error.sentence())),
        };
        tries += 1;
        match outcome {
            Err(db::Error::Unavailable(_) | db::Error::ReadOnly) if tries < TRIES => {
                tokio::time::sleep(TRIED_EVERY).await;
            }
            outcome => return outcome,
        }
    }
}

/// The database cannot store the character NUL. Where it stands: a second copy of a large document would be large.
pub(super) fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(values) => values.iter_mut().for_each(without_nul),
        Value::Object(members) => {
            if members.keys().any(|name| name.contains('\0')) {
                let renamed = std::mem::take(members).into_iter();
                *members = renamed.map(|(name, value)| (name.replace('\0', ""), value)).collect();
            }
            members.values_mut().for_each(without_nul);
        }
        _ => {}
    }
}

/// The reason in a stable word, from the sentences of old agents.
fn code(message: &str) -> &'static str {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["checksum"]) {
        "checksum_mismatch"
    } else if says(&["enospc", "no space"]) {
        "disk_full"
    } else if says(&["status code 404", "status code 403", "status code 400"]) {
        "not_found"
    } else if says(&["timeout", "econn", "enotfound", "network", "socket", "etimedout", "download"]) {
        "network"
    } else if says(&["eacces", "erofs", "eio", "enoent"]) {
        "disk"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_of_old_agents_have_a_word() {
        for (sentence, word) in [
            ("Checksum mismatch: expected ab, got cd", "checksum_mismatch"),
            ("Failed to download video: connect ECONNREFUSED 127.0.0.1:80", "network"),
            ("Failed to download video: ENOSPC: no space left on device, write", "disk_full"),
            ("Failed to download video: Request failed with status code 404", "not_found"),
            ("EACCES: permission denied, open '/home/pi/neopro/webapp/configuration.json'", "disk"),
            ("Unexpected token } in JSON", "other"),
        ] {
            assert_eq!(code(sentence), word, "{sentence}");
        }
    }

    #[test]
    fn a_document_with_nul_can_be_stored() {
        let mut document = json!({"a\0": ["x\0y", {"b": "\0"}], "c": 1});
        without_nul(&mut document);
        assert_eq!(document, json!({"a": ["xy", {"b": ""}], "c": 1}));
    }
}
