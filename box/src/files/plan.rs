//! What the server wants, file by file.

use std::collections::BTreeMap;

use neopro_protocol::{Item, ItemState, Media, Reason};
use uuid::Uuid;

use super::folder::is_sha256;

/// A file that is wanted, perhaps under several ids: the same bytes are fetched once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Its SHA-256.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// The greatest `attempt`.
    pub attempt: u32,
    /// What it is.
    pub media_type: String,
    /// Where it is; several places have the same bytes.
    pub urls: Vec<String>,
    /// Under which ids it is wanted.
    pub ids: Vec<Uuid>,
}

/// The wanted files by their SHA-256.
#[must_use]
pub fn wants(media: &[Media]) -> BTreeMap<String, Want> {
    let mut wants: BTreeMap<String, Want> = BTreeMap::new();
    for media in media.iter().filter(|media| is_sha256(&media.sha256)) {
        let want = wants.entry(media.sha256.clone()).or_insert_with(|| Want {
            sha256: media.sha256.clone(),
            bytes: media.bytes,
            attempt: media.attempt,
            media_type: media.media_type.clone(),
            urls: Vec::new(),
            ids: Vec::new(),
        });
        want.attempt = want.attempt.max(media.attempt);
        want.ids.push(media.id);
        if !want.urls.contains(&media.url) {
            want.urls.push(media.url.clone());
        }
    }
    wants
}

/// What is reported of a file whose SHA-256 is none: it cannot have a name.
#[must_use]
pub fn nameless(media: &Media) -> Item {
    Item {
        id: media.id,
        sha256: media.sha256.clone(),
        state: ItemState::Failed,
        attempts: 0,
        reason: Some(Reason::Other),
        detail: Some("L'empreinte SHA-256 annoncée par le serveur n'en est pas une.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_wanted_once_and_what_is_no_hash_never() {
        let media = |sha256: &str, url: &str, attempt| Media {
            id: Uuid::now_v7(),
            sha256: sha256.into(),
            bytes: 5,
            url: url.into(),
            name: "n".into(),
            category: None,
            subcategory: None,
            media_type: "video/mp4".into(),
            seconds: None,
            in_loop: true,
            attempt,
        };
        let sha256 = "a".repeat(64);
        let all = [media(&sha256, "https://a/1", 1), media(&sha256, "https://a/2", 3), media("../x", "https://a/3", 0)];
        let wants = wants(&all);
        assert_eq!(wants.len(), 1);
        let want = &wants[&sha256];
        assert_eq!((want.ids.len(), want.urls.len(), want.attempt), (2, 2, 3));
        assert_eq!(nameless(&all[2]).state, ItemState::Failed);
    }
}
