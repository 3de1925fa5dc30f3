//! Looks at a file that a browser has written into the storage, and makes it a video.

use super::{LOOK, Upload, kind_of, mismatch, store};
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::http::Snapshot;
use crate::storage::{self, Bucket, Draft, Remote, Trouble};
use crate::usage;
use crate::videos::facts::{self, Facts};
use crate::videos::{Labels, NewVideo, VideoRow, upload};

/// Looks at an upload that is ours to look at, to its end: afterwards it is a video, or refused, or free again.
pub(super) async fn look(app: App, caller: Caller, from: Snapshot, upload: Upload) -> Result<VideoRow> {
    let (id, path) = (upload.id, upload.path.clone());
    let looked = tokio::time::timeout(LOOK, enter(&app, &caller, &from, upload)).await;
    let outcome =
        looked.unwrap_or_else(|_| Err(Error::Storage(Trouble::Away("the file could not be read in time".into()))));
    let Err(error) = outcome else { return outcome };
    let record = match &error {
        // It may go well another time, and the file stays where it is.
        Error::Storage(_)
        | Error::Unavailable(_)
        | Error::ReadOnly
        | Error::Internal(_)
        | Error::StorageFull
        | Error::Unauthenticated(_)
        | Error::Conflict("not_arrived", _) => store::release(id),
        Error::Duplicate(same) => store::refuse(id, "duplicate", same.clone()),
        other => store::refuse(id, other.code(), other.sentence()),
    };
    if error.is_final_for_a_file() {
        upload::discard(&app, &path).await;
    }
    let written = match app.db() {
        Ok(db) => db.run_as_system(record).await.map_err(|error| error.to_string()),
        Err(_) => Err("no database".into()),
    };
    if let Err(why) = written {
        tracing::warn!(%id, why, "what became of an upload could not be written down; it is looked at again");
    }
    Err(error)
}

async fn enter(app: &App, caller: &Caller, from: &Snapshot, upload: Upload) -> Result<VideoRow> {
    let remote = app.storage.remote().ok_or(Error::NotFound("Cet envoi"))?;
    let size = u64::try_from(upload.size).unwrap_or_default();
    let outside = |trouble: Trouble| upload::refused(app, trouble.into());
    let there = remote.find(Bucket::Videos, &upload.path).await.map_err(outside)?.ok_or(NOT_ARRIVED)?;
    if there.size != size {
        return Err(mismatch("taille"));
    }
    // What it is served as is what the browser said, and a page that is served as one could run.
    if there.media_type.split(';').next().unwrap_or_default().trim() != upload.mime_type {
        return Err(mismatch("type"));
    }
    let draft = fetch(app, remote, &upload.path, size).await?;
    if upload.checksum.as_ref().is_some_and(|checksum| *checksum != draft.checksum()) {
        return Err(mismatch("empreinte SHA-256"));
    }
    let (checksum, facts) = (draft.checksum(), read_facts(draft, &upload.mime_type).await?);
    let new = NewVideo {
        id: upload.id,
        filename: upload.path.rsplit('/').next().unwrap_or_default().to_owned(),
        path: upload.path,
        original_name: upload.original_name,
        size: upload.size,
        checksum,
        facts,
        labels: Labels::of(&upload.labels),
    };
    upload::enter(app, caller, from, new).await
}

/// 409, and not 404: the upload is there, its file is not.
const NOT_ARRIVED: Error =
    Error::Conflict("not_arrived", "Ce fichier n'est pas arrivé dans le stockage. Envoyez-le à nouveau.");

/// The whole file, by the address that a box would use; that is traffic as well.
async fn fetch(app: &App, remote: &Remote, path: &str, size: u64) -> Result<Draft> {
    app.storage.local().check_room(size)?;
    let draft = app.storage.draft().await?;
    let refused = |error: storage::Error| upload::refused(app, error);
    let draft = remote.read(Bucket::Videos, path, draft).await.map_err(refused)?.ok_or(NOT_ARRIVED)?;
    usage::note_read(app, draft.size()).await;
    if draft.size() == size { Ok(draft) } else { Err(mismatch("taille")) }
}

/// What the file is; the draft vanishes with the last look at it.
async fn read_facts(draft: Draft, media_type: &str) -> Result<Facts> {
    let media_type = media_type.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut head = Vec::new();
        let begin = draft.reader()?.take(facts::HEAD as u64).read_to_end(&mut head);
        begin.map_err(|error| Error::Internal(format!("storage: {error}")))?;
        let kind = kind_of(&head)?;
        if kind.media_type() != media_type {
            return Err(mismatch("type"));
        }
        Ok(facts::read(draft.reader()?, kind)?)
    });
    read.await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}
