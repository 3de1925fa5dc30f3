//! What there is to play: the club's loop, and what the server has put into it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use neopro_protocol::Media;
use neopro_protocol::configuration::LoopEntry;
use percent_encoding::percent_decode_str;

use super::plan::Want;
use crate::configuration::Current;
use crate::library::{Clip, ClipKind, IMAGE_SECONDS, Library};
use crate::state::{Quarantined, Wanted};

/// What a programme is made of. It looks at the disk, which blocks: hence it borrows nothing.
pub(super) struct Sources {
    pub root: PathBuf,
    pub videos: PathBuf,
    pub club_name: Option<String>,
    pub current: Arc<Current>,
    pub wanted: Arc<Wanted>,
    pub wants: Arc<BTreeMap<String, Want>>,
    /// Where installed files are, by their SHA-256.
    pub installed: BTreeMap<String, PathBuf>,
    pub quarantine: Arc<BTreeMap<String, Quarantined>>,
}

impl Sources {
    /// The loop: the club's entries in their order, then what the server wants in it, in its order. An entry of a
    /// video that the server wants is shown once, at its place in the club's loop and with the server's bytes.
    pub fn library(&self) -> Library {
        let mut shown = BTreeSet::new();
        let mut clips = Vec::new();
        for entry in &self.current.view.sponsors {
            let central = entry.video_id.as_deref().and_then(|id| self.installed_media(id));
            let clip = match central {
                Some((media, file)) if shown.insert(media.sha256.clone()) => Some(clip_of_media(media, file)),
                Some(_) => None,
                None => self.clip_of_entry(entry),
            };
            clips.extend(clip);
        }
        for media in self.wanted.desired.media.iter().filter(|media| media.in_loop) {
            if let Some(file) = self.installed.get(&media.sha256)
                && shown.insert(media.sha256.clone())
            {
                clips.push(clip_of_media(media, file));
            }
        }
        // When everything is left out, nothing is: perhaps the browser was at fault, and the player tries each again.
        if clips.iter().any(|clip| !self.is_quarantined(&clip.key)) {
            clips.retain(|clip| !self.is_quarantined(&clip.key));
        }
        Library {
            club_name: self.current.view.club_name.clone().or_else(|| self.club_name.clone()),
            language: self.current.view.language.clone(),
            clips,
        }
    }

    fn installed_media(&self, id: &str) -> Option<(&Media, &PathBuf)> {
        let media = self.wanted.desired.media.iter().find(|media| media.id.to_string().eq_ignore_ascii_case(id))?;
        Some((media, self.installed.get(&media.sha256)?))
    }

    fn clip_of_entry(&self, entry: &LoopEntry) -> Option<Clip> {
        let file = club_file(&self.root, &self.videos, &entry.path)?;
        let stem = || file.file_stem().map(|stem| stem.to_string_lossy().replace(['_', '-'], " ")).unwrap_or_default();
        Some(Clip {
            key: entry.path.clone(),
            name: if entry.name.is_empty() { stem() } else { entry.name.clone() },
            kind: if is_image(&file) { image(entry.seconds) } else { ClipKind::Video },
            file,
        })
    }

    /// What a clip is like: if it changes, the clip is worth another try.
    pub fn mark(&self, key: &str) -> String {
        if let Some(want) = self.wants.get(key) {
            return format!("attempt {}", want.attempt);
        }
        let file = club_file(&self.root, &self.videos, key).and_then(|file| fs::metadata(file).ok());
        file.map_or_else(String::new, |file| format!("{} bytes of {}.{}", file.len(), file.mtime(), file.mtime_nsec()))
    }

    fn is_quarantined(&self, key: &str) -> bool {
        self.quarantine.get(key).is_some_and(|quarantined| quarantined.mark == self.mark(key))
    }

    /// The keys of clips in quarantine that have changed since.
    pub fn released(&self) -> Vec<String> {
        self.quarantine.keys().filter(|key| !self.is_quarantined(key)).cloned().collect()
    }
}

fn clip_of_media(media: &Media, file: &Path) -> Clip {
    Clip {
        key: media.sha256.clone(),
        name: media.name.clone(),
        file: file.to_owned(),
        kind: if media.media_type.starts_with("image/") { image(media.seconds) } else { ClipKind::Video },
    }
}

fn image(seconds: Option<u32>) -> ClipKind {
    ClipKind::Image { seconds: seconds.filter(|seconds| *seconds > 0).unwrap_or(IMAGE_SECONDS) }
}

fn is_image(file: &Path) -> bool {
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png" | "webp" | "gif"))
}

/// The file of a path in the club's document, if it exists and is within the folder of the videos, wherever links
/// lead. `videos/…` is below that folder, as the box's web server has always served it.
pub(super) fn club_file(root: &Path, videos: &Path, path: &str) -> Option<PathBuf> {
    let within = fs::canonicalize(videos).ok()?;
    let at = |path: &str| {
        let path = path.trim_start_matches('/');
        let place = path.strip_prefix("videos/").map_or_else(|| root.join(path), |rest| videos.join(rest));
        fs::canonicalize(place).ok().filter(|file| file.starts_with(&within) && file.is_file())
    };
    // Some editors of the document write an address, some a name.
    at(path).or_else(|| at(&percent_decode_str(path).decode_utf8().ok()?))
}

#[cfg(test)]
mod tests {
    use neopro_protocol::Desired;
    use neopro_protocol::configuration::ClubView;
    use uuid::Uuid;

    use super::super::plan::wants;
    use super::super::tests::scratch;
    use super::*;

    fn media(number: u128, name: &str, in_loop: bool) -> Media {
        Media {
            id: Uuid::from_u128(number),
            sha256: format!("{number:064x}"),
            bytes: 1,
            url: "https://a/b".into(),
            name: name.into(),
            category: None,
            subcategory: None,
            media_type: if name.ends_with(".png") { "image/png" } else { "video/mp4" }.into(),
            seconds: None,
            in_loop,
            attempt: 0,
        }
    }

    fn entry(path: &str, video_id: Option<u128>) -> LoopEntry {
        let video_id = video_id.map(|number| Uuid::from_u128(number).to_string());
        LoopEntry { name: String::new(), path: path.into(), video_id, seconds: Some(4) }
    }

    #[test]
    fn the_clubs_loop_goes_first_and_nothing_is_shown_twice() {
        let root = scratch("programme");
        let videos = root.join("videos");
        fs::create_dir_all(videos.join("S")).expect("a folder");
        for file in ["S/la_boulangerie.mp4", "S/été.png", "S/old.mp4"] {
            fs::write(videos.join(file), "x").expect("a file");
        }
        fs::write(root.join("secret.mp4"), "x").expect("a file");
        std::os::unix::fs::symlink(root.join("secret.mp4"), videos.join("S/link.mp4")).expect("a link");
        let view = ClubView {
            sponsors: vec![
                entry("videos/S/la_boulangerie.mp4", None),
                entry("videos/S/old.mp4", Some(2)),
                entry("/videos/S/%C3%A9t%C3%A9.png", None),
                entry("videos/S/gone.mp4", None),
                entry("videos/../secret.mp4", None),
                entry("videos/S/link.mp4", None),
                entry("secret.mp4", None),
                entry("videos/S/old.mp4", Some(3)),
            ],
            ..ClubView::default()
        };
        let desired = Desired {
            media: vec![
                media(1, "one.png", true),
                media(2, "two", true),
                media(3, "three", true),
                media(4, "asked for only", false),
                media(1, "one again", true),
            ],
            ..Desired::default()
        };
        let wants = Arc::new(wants(&desired.media));
        let wanted = Arc::new(Wanted { desired, origins: Vec::new() });
        let current = Arc::new(Current { view, ..Current::default() });
        let installed: BTreeMap<String, PathBuf> =
            [1_u128, 2, 4].map(|number| (format!("{number:064x}"), PathBuf::from(format!("/c/{number}")))).into();
        let mut quarantine = BTreeMap::new();
        let library = |quarantine: &BTreeMap<String, Quarantined>| {
            let sources = Sources {
                root: root.clone(),
                videos: videos.clone(),
                club_name: Some("Club".into()),
                current: current.clone(),
                wanted: wanted.clone(),
                wants: wants.clone(),
                installed: installed.clone(),
                quarantine: Arc::new(quarantine.clone()),
            };
            let mark = sources.mark("videos/S/la_boulangerie.mp4");
            (sources.library(), mark)
        };
        let (all, mark) = library(&quarantine);
        let names: Vec<&str> = all.clips.iter().map(|clip| clip.name.as_str()).collect();
        assert_eq!(names, ["la boulangerie", "two", "été", "old", "one.png"]);
        assert_eq!(all.clips[2].kind, ClipKind::Image { seconds: 4 });
        assert_eq!(all.clips[4].kind, ClipKind::Image { seconds: IMAGE_SECONDS });
        assert_eq!(all.club_name.as_deref(), Some("Club"));
        let quarantined = |mark: &str| Quarantined { mark: mark.into(), reason: "r".into() };
        quarantine.insert("videos/S/la_boulangerie.mp4".into(), quarantined(&mark));
        quarantine.insert(format!("{:064x}", 2), quarantined("attempt 0"));
        assert_eq!(library(&quarantine).0.clips.len(), 3);
        fs::write(videos.join("S/la_boulangerie.mp4"), "mended").expect("a file");
        assert_eq!(library(&quarantine).0.clips.len(), 4);
    }
}
