//! The small picture of a video, which the person's own browser has made.

use std::io::Cursor;

use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use utoipa::ToSchema;

use super::{VideoRow, facts, store, upload};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::Caller;
use crate::db;
use crate::error::{Error, Result};
use crate::http::{Snapshot, read_body};
use crate::ids::VideoId;
use crate::storage::{Bucket, Kind};

/// The most bytes.
const MOST_BYTES: usize = 200_000;

/// The most pixels, across and down.
const MOST_PIXELS: i32 = 1_280;

/// The bytes of a picture: JPEG or WebP.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Picture(#[expect(dead_code, reason = "only its description is used: bodies are read as bytes")] Vec<u8>);

fn unsupported() -> Error {
    Error::Unsupported("unsupported_format", "Une vignette doit être une image JPEG ou WebP.".into())
}

/// Takes a picture in; what it is and how large, its bytes say.
///
/// # Errors
/// Another kind of file, a broken one, or one that is too large.
pub async fn receive(request: Request) -> Result<(Kind, Bytes)> {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(said.as_str(), "image/jpeg" | "image/webp") {
        return Err(unsupported());
    }
    let bytes = read_body(request, MOST_BYTES).await?;
    let kind = match facts::sniff(&bytes[..bytes.len().min(facts::HEAD)]) {
        Ok(kind @ (Kind::Jpeg | Kind::WebP)) => kind,
        Ok(Kind::Png | Kind::Mp4 | Kind::Mov) | Err(facts::Refusal::Unsupported(..)) => return Err(unsupported()),
        Err(refusal) => return Err(refusal.into()),
    };
    let facts = facts::read(Cursor::new(&bytes), kind)?;
    if facts.width > MOST_PIXELS || facts.height > MOST_PIXELS {
        return Err(Error::Unreadable("Une vignette mesure au plus 1280 pixels de large et 1280 de haut."));
    }
    Ok((kind, bytes))
}

/// Gives a video this picture; the one that it had goes. `None` without the video.
///
/// # Errors
/// Then the video has the picture that it had, and nothing is left of the new one.
pub async fn replace(
    app: &App,
    caller: &Caller,
    from: &Snapshot,
    id: VideoId,
    picture: (Kind, Bytes),
) -> Result<Option<VideoRow>> {
    // A token alone writes nothing onto our disk: its session is proven before.
    let Some(before) = caller.run(store::find(caller.scope(), id)).await? else { return Ok(None) };
    let (kind, bytes) = picture;
    app.storage.local().check_room(bytes.len() as u64)?;
    let mut draft = app.storage.draft().await?;
    draft.write(&bytes).await?;
    draft.finish().await?;
    let object = app.storage.keep(draft, Bucket::Videos, kind).await.map_err(|error| upload::refused(app, error))?;
    let now = app.clock.now();
    let set = store::set_thumbnail(caller.scope(), id, &object, now);
    let entry = Entry::new(Action::VideoUpdated, caller.user(), from, now).on("video", id);
    let journal = (audit::store::before("video", id.0), audit::store::record_change(entry, id.0));
    let flush = (store::lock_thumbnail(caller.scope(), id), journal.0, set, journal.1);
    let error = match caller.run(flush).await {
        Ok((replaced, (), Some(video), ())) => {
            discard(app, replaced).await;
            return Ok(Some(video));
        }
        Ok((_, (), None, ())) => {
            upload::discard(app, &object.path()).await;
            return Ok(None);
        }
        // The answer to the commit may have been lost: only the database knows which picture is the video's.
        Err(db::Error::Unavailable(why)) => match caller.run(store::find(caller.scope(), id)).await {
            Ok(Some(video)) if video.thumbnail_url.as_deref() == Some(&object.path()) => {
                discard(app, before.thumbnail_url).await;
                return Ok(Some(video));
            }
            Ok(_) => Error::Unavailable(why),
            Err(_) => {
                tracing::warn!(
                    object = object.path(),
                    "a thumbnail was kept that may be nobody's: the database is away"
                );
                return Err(Error::Unavailable(why));
            }
        },
        Err(error) => error.into(),
    };
    upload::discard(app, &object.path()).await;
    Err(error)
}

/// Deletes a thumbnail that is no video's any more, if it is an object of ours.
pub async fn discard(app: &App, stored: Option<String>) {
    if let Some(path) = stored {
        upload::discard(app, &path).await;
    }
}
