//! People's commands: how they are told to boxes, and how boxes say that they have them.
//!
//! One message for one command, to its site's connection alone, and only once it is on record. Who waits for a command is
//! told by whoever gave it; what could not be told then is told when its box comes, by the courier. A box of protocol 1 is
//! never told twice; one of protocol 2 on each new connection until it says that it has the command.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use neopro_protocol::{Command, configuration};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::answers::{Answer, Unwritten};
use super::courier::Told;
use super::store::DueCommand;
use super::v2::clean;
use super::{Live, store, v1};
use crate::app::App;
use crate::events::Change;
use crate::ids::{CommandId, SiteId};

/// How long receipts are gathered: nobody waits for them.
const GATHERED: Duration = Duration::from_millis(100);
/// How long it is waited before receipts that could not be written are tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How many receipts are written by one statement.
const WRITTEN_TOGETHER: usize = 1_000;
/// How many commands that waited are on their way to one box at a time: its queue takes no heap of them.
const WINDOW: i32 = 16;
/// The largest answer that is kept, in bytes: more than the longest log that a box sends.
const LARGEST_RESULT: usize = 2_000_000;

/// Which protocol a box that is connected here speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// 1: it acknowledges nothing.
    Old,
    /// 2.
    New,
}

/// A command as it is told.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its id.
    pub id: CommandId,
    /// What is to be done.
    pub kind: &'a str,
    /// With what, secrets included.
    pub data: &'a Value,
}

impl Live {
    /// Whether a site's box is connected here, and what it speaks.
    #[must_use]
    pub fn presence(&self, site: SiteId) -> Option<Presence> {
        self.seats.presence(site)
    }

    /// Tells a command that is on record, unless it was told on this connection; `false` if the box is not there.
    #[must_use]
    pub fn tell(&self, site: SiteId, message: Message<'_>) -> bool {
        let Message { id, kind, data } = message;
        let (handle, presence) = match self.seats.tell_command(site, id) {
            Told::Now(handle, presence) => (handle, presence),
            Told::Already => return true,
            Told::Away => return false,
        };
        let command = json!(Command { id: id.0, kind: kind.to_owned(), data: data.clone() });
        match presence {
            Presence::Old => handle.emit("command", &command),
            Presence::New => {
                handle.emit_with_ack("command", &command);
            }
        }
        true
    }
}

/// Tells boxes what waits for them.
pub(super) async fn deliver(app: &App, (sites, presences): (Vec<SiteId>, Vec<Presence>)) {
    let Ok(db) = app.db() else { return };
    let olds = presences.into_iter().map(|presence| presence == Presence::Old).collect();
    let due = match db.run_as_system(store::tell_commands(&sites, olds, WINDOW, app.clock.now())).await {
        Ok(due) => due,
        // The sweep comes back to it.
        Err(error) => return tracing::warn!(%error, sites = sites.len(), "commands that wait could not be read"),
    };
    let mut counts: HashMap<SiteId, i32> = HashMap::new();
    due.iter().for_each(|command| *counts.entry(command.site_id).or_default() += 1);
    // The next ones follow when the box has said something to these.
    counts.into_iter().filter(|(_, count)| *count >= WINDOW).for_each(|(site, _)| app.live.seats.has_more(site));
    let mut untold = Vec::new();
    for command in due {
        let DueCommand { id, site_id, command_type, command_data, secrets } = command;
        let Some(data) = whole(app, id, command_data, secrets) else {
            tracing::error!(site = %site_id, command = %id, "the secrets of a command cannot be opened");
            give_up(app, site_id, id).await;
            continue;
        };
        if !app.live.tell(site_id, Message { id, kind: &command_type, data: &data }) {
            untold.push(id);
        }
    }
    if untold.is_empty() {
        return;
    }
    if let Err(error) = db.run_as_system(store::take_back_commands(&untold, app.clock.now())).await {
        tracing::warn!(%error, commands = untold.len(), "boxes have gone, and their commands could not be taken back");
    }
}

/// A command's data with its secrets in their places.
fn whole(app: &App, id: CommandId, mut data: Value, secrets: Option<String>) -> Option<Value> {
    let Some(sealed) = secrets else { return Some(data) };
    let opened = app.command_sealer.open(&id.to_string(), &sealed)?;
    let secrets: HashMap<String, Value> = serde_json::from_slice(&opened).ok()?;
    for (pointer, secret) in secrets {
        *data.pointer_mut(&pointer)? = secret;
    }
    Some(data)
}

/// Ends a command that cannot be told: the key of the server is another than when it was given.
async fn give_up(app: &App, site: SiteId, command: CommandId) {
    let message = "Le secret de cette commande ne peut plus être lu : donnez-la de nouveau.";
    let answer = Answer { site, command, succeeded: false, result: None, bytes: 0, message: Some(message.into()) };
    if app.live.answers.take(app, answer).await.is_err() {
        tracing::warn!(%site, %command, "a command that cannot be told stays open until its deadline");
    }
}

/// The command that a box names.
pub(super) fn named(data: &Value) -> Option<CommandId> {
    data["commandId"].as_str().and_then(|id| CommandId::from_str(id).ok())
}

/// A box says that it has a command on its disk.
pub(super) fn received(app: &App, site: SiteId, command: CommandId) {
    if app.live.seats.has_command(site, command) {
        app.live.receipts.note(site, command);
    }
}

/// Looks for more, if more waited than was told at once: what was told is on record as received or answered by now.
fn go_on(app: &App, site: SiteId) {
    if app.live.seats.took_more(site) {
        app.live.bell.ring([site]);
    }
}

/// Takes the answer to a command, of a person or of a deployment: the command, once that is committed. A box of
/// protocol 2 that hears nothing says it again; one of protocol 1 never does.
pub(super) async fn result(app: &App, site: SiteId, mut data: Value, is_new: bool) -> Option<CommandId> {
    let Some(command) = named(&data) else {
        tracing::debug!(%site, "a result names no command of ours");
        return None;
    };
    let succeeded = data["status"] == "success";
    let message = data["error"].as_str().map(|text| clean(text, 500));
    let (result, bytes) = kept(data["result"].take());
    let message = (!succeeded).then(|| message.unwrap_or_else(|| "Le boîtier n'a pas dit pourquoi.".into()));
    let answer = Answer { site, command, succeeded, result, bytes, message };
    let tries = if is_new { 1 } else { v1::TRIES };
    let Some(answered) = insistently(app, &answer, tries).await else {
        tracing::warn!(%site, %command, "the result of a command could not be written down");
        return None;
    };
    match answered {
        Some(answered) if answered.is_news => {
            app.changes.note(Change::Site(site));
            go_on(app, site);
            if answered.command_type == "update_config" {
                // What had to wait for it can go on.
                app.live.bell.ring([site]);
            }
        }
        Some(_) => tracing::debug!(%site, %command, "a result came twice"),
        None => {
            data["result"] = answer.result.unwrap_or_default();
            if !v1::result(app, site, command, &data).await {
                return None;
            }
        }
    }
    Some(command)
}

/// Writes an answer down, also over a short trouble of the database.
async fn insistently(app: &App, answer: &Answer, tries: usize) -> Option<Option<store::Answered>> {
    for tried in 1..=tries {
        match app.live.answers.take(app, answer.clone()).await {
            Ok(answered) => return Some(answered),
            Err(Unwritten) if tried < tries => tokio::time::sleep(v1::TRIED_EVERY).await,
            Err(Unwritten) => {}
        }
    }
    None
}

/// What is kept of a result, and how long it is: no secret, and not more than a log.
fn kept(mut result: Value) -> (Option<Value>, usize) {
    if result.is_null() {
        return (None, 0);
    }
    v1::without_nul(&mut result);
    let (result, _) = configuration::split(result);
    // The column is an object for whoever reads it.
    let result = if result.is_object() { result } else { json!({ "value": result }) };
    match result.to_string().len() {
        bytes if bytes > LARGEST_RESULT => (Some(json!({ "tooLarge": bytes })), 0),
        bytes => (Some(result), bytes),
    }
}

/// Receipts that are not written down.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    noted: Mutex<HashMap<CommandId, SiteId>>,
    bell: Notify,
}

impl Receipts {
    fn note(&self, site: SiteId, command: CommandId) {
        self.lock().insert(command, site);
        self.bell.notify_one();
    }

    /// An answer says as much.
    pub(super) fn forget(&self, commands: impl Iterator<Item = CommandId>) {
        let mut noted = self.lock();
        for command in commands {
            noted.remove(&command);
        }
    }

    fn take(&self) -> Vec<(CommandId, SiteId)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommandId, SiteId>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the server stops.
pub(super) async fn run(app: App) {
    let receipts = &app.live.receipts;
    loop {
        receipts.bell.notified().await;
        tokio::time::sleep(GATHERED).await;
        for some in receipts.take().chunks(WRITTEN_TOGETHER) {
            let Ok(db) = app.db() else { break };
            match db.run_as_system(store::note_received(some, app.clock.now())).await {
                Ok(()) => some.iter().for_each(|(_, site)| go_on(&app, *site)),
                Err(error) => {
                    tracing::warn!(%error, commands = some.len(), "receipts of commands could not be written down yet");
                    some.iter().for_each(|(command, site)| receipts.note(*site, *command));
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
