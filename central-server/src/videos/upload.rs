//! Files on their way into the library.

use std::fs::File;

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::facts::{self, Facts};
use super::{Labels, NewVideo, VideoRow, plain_name, store};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::Caller;
use crate::db;
use crate::error::{Error, Result};
use crate::events::Change;
use crate::http::{Form, Multipart, Snapshot};
use crate::ids::VideoId;
use crate::storage::{self, Bucket, Draft, Kind, Trouble};

/// What a form may have beside its file.
const FRAME: u64 = 64 * 1024;

/// What a form brought.
#[derive(Debug)]
pub struct Taken {
    /// Each file by its plain name; those that are not accepted with the reason.
    pub files: Vec<(String, Result<Arrived>)>,
    /// The texts that go with them.
    pub labels: Labels,
}

/// An accepted file that is wholly on the disk, but not in the library: it vanishes when it is dropped.
#[derive(Debug)]
pub struct Arrived {
    draft: Draft,
    facts: Facts,
}

/// Takes a form in: its files are in `field`, at most `most` of them. Memory is needed for a piece at a time.
///
/// # Errors
/// What makes the whole form worthless. A file that is not accepted does not.
pub async fn take(app: &App, form: &mut Multipart, field: &'static str, most: usize) -> Result<Taken> {
    app.storage.local().check_room(form.left())?;
    let takes = app.storage.most_bytes(app.config.video_max_bytes);
    if most == 1 && form.left() > takes + FRAME {
        return Err(Error::Storage(Trouble::TooLarge(form.left(), Some(takes))));
    }
    let (mut files, mut texts, mut too_many) = (Vec::new(), Map::new(), false);
    while let Some(part) = form.next_part().await? {
        if part.name == field && files.len() == most {
            too_many = true;
        } else if part.name == field {
            let sent = part.file_name.unwrap_or_default();
            if let Some(file) = receive(app, form, &sent).await? {
                files.push((plain_name(&sent), file));
            }
        } else if part.file_name.is_none() {
            // A file in another field is skipped, and a text that nobody knows is not looked at.
            let text = form.text(&part.name).await?;
            texts.insert(part.name, Value::String(text));
        }
    }
    match files.len() {
        _ if too_many => Err(Error::field(field, format!("{most} fichier(s) au plus sont acceptés."))),
        0 => Err(Error::field(field, "Un fichier est attendu.")),
        _ => Ok(Taken { files, labels: Form::new(texts).into()? }),
    }
}

/// Receives one file, to its end in any case: whoever is interrupted in sending does not read why. `None` is what a
/// browser sends for a field in which nothing was chosen.
async fn receive(app: &App, form: &mut Multipart, name: &str) -> Result<Option<Result<Arrived>>> {
    let mut head = BytesMut::new();
    while head.len() < facts::HEAD
        && let Some(bytes) = form.chunk().await?
    {
        head.extend_from_slice(&bytes);
    }
    if head.is_empty() && name.is_empty() {
        return Ok(None);
    }
    // What is no video is not written to the disk at all.
    let kind = match facts::sniff(&head[..head.len().min(facts::HEAD)]) {
        Ok(kind) => kind,
        Err(refusal) => {
            form.skip().await?;
            return Ok(Some(Err(refusal.into())));
        }
    };
    let limit = app.storage.most_bytes(app.config.video_max_bytes);
    let mut draft = app.storage.draft().await?;
    let mut next = Some(head.freeze());
    while let Some(bytes) = next {
        if draft.size() + bytes.len() as u64 > limit {
            drop(draft);
            form.skip().await?;
            return Ok(Some(Err(match limit == app.config.video_max_bytes {
                true => Error::TooLarge(limit),
                false => Error::Storage(Trouble::TooLarge(0, Some(limit))),
            })));
        }
        draft.write(&bytes).await?;
        next = form.chunk().await?;
    }
    draft.finish().await?;
    let facts = read_facts(draft.reader()?, kind).await;
    Ok(Some(facts.map(|facts| Arrived { draft, facts })))
}

async fn read_facts(file: File, kind: Kind) -> Result<Facts> {
    let read = tokio::task::spawn_blocking(move || facts::read(file, kind).map_err(Error::from));
    read.await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

/// Puts a file into the library: its object first, then its row. If there is no row in the end, there is no object.
///
/// # Errors
/// [`Error::Duplicate`] if its bytes are in the library already.
pub async fn keep(
    app: &App,
    caller: &Caller,
    from: &Snapshot,
    (original_name, file): (String, Arrived),
    labels: Labels,
) -> Result<VideoRow> {
    let Arrived { draft, facts } = file;
    let (id, checksum) = (VideoId::new(), draft.checksum());
    let size = i64::try_from(draft.size()).map_err(|error| Error::Internal(error.to_string()))?;
    let object = app.storage.keep(draft, Bucket::Videos, facts.kind).await.map_err(|error| refused(app, error))?;
    let (filename, path) = (object.to_string(), object.path());
    enter(app, caller, from, NewVideo { id, filename, path, original_name, size, checksum, facts, labels }).await
}

/// Writes down a video whose object is there. If there is no row in the end, there is no object.
///
/// # Errors
/// [`Error::Duplicate`] if its bytes are in the library already.
pub(super) async fn enter(app: &App, caller: &Caller, from: &Snapshot, new: NewVideo) -> Result<VideoRow> {
    let size = u64::try_from(new.size).unwrap_or_default();
    let entered = write_down(app, caller, from, new).await;
    app.measures.upload(entered.is_ok().then_some(size));
    entered
}

async fn write_down(app: &App, caller: &Caller, from: &Snapshot, new: NewVideo) -> Result<VideoRow> {
    let (id, now) = (new.id, app.clock.now());
    let entry = Entry::new(Action::VideoUploaded, caller.user(), from, now)
        .on("video", id)
        .with(json!({ "originalName": new.original_name, "size": new.size }));
    let flush = (
        store::insert(caller.scope(), &new, now),
        audit::store::record_made(entry, id.0),
        store::find_same(caller.scope(), &new.checksum),
    );
    let error = match caller.run(flush).await {
        Ok((Some(video), (), _)) => {
            app.changes.note(Change::Video(id));
            return Ok(video);
        }
        Ok((None, (), Some(same))) => Error::Duplicate(same.to_string()),
        Ok((None, (), None)) => Error::Unavailable("the same video was deleted at this very moment".into()),
        // The answer to the commit may have been lost: only the database knows whether there is a row.
        Err(db::Error::Unavailable(why)) => match caller.run(store::find(caller.scope(), id)).await {
            Ok(Some(video)) => return Ok(video),
            Ok(None) => Error::Unavailable(why),
            Err(_) => {
                tracing::warn!(object = new.path, "an object was kept whose row may be missing: the database is away");
                return Err(Error::Unavailable(why));
            }
        },
        Err(error) => error.into(),
    };
    discard(app, &new.path).await;
    Err(error)
}

/// What the storage could not do; it is looked at soon, so that health tells of it.
pub(super) fn refused(app: &App, error: storage::Error) -> Error {
    if matches!(error, storage::Error::Outside(_)) {
        app.health.doubt_storage();
    }
    error.into()
}

/// Deletes what stands under the path of a video that is not in the library any more, or never was.
pub async fn discard(app: &App, path: &str) {
    if let Err(error) = app.storage.delete(Bucket::Videos, path).await {
        tracing::warn!(?error, object = path, "an object that nobody needs could not be deleted");
    }
}
