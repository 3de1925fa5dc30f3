//! MP4 and QuickTime (ISO/IEC 14496-12): boxes within boxes, of which each says its size and its kind.

use std::io::{Read, Seek};

use super::{DAMAGED, Facts, INCOMPLETE, Refusal, Result, Source};
use crate::storage::Kind;

/// The most boxes that are looked at. A fragmented video of ten hours has 72,000.
const MOST_BOXES: u32 = 200_000;

/// The largest index. That of half a gigabyte is a hundredth of it.
const LARGEST_INDEX: u64 = 16 * 1024 * 1024;

const NO_INDEX: Refusal = Refusal::Broken(
    "Cette vidéo est incomplète : son index manque, comme après un enregistrement interrompu. Exportez-la à nouveau.",
);
const NO_CONTENT: Refusal = Refusal::Broken("Cette vidéo est incomplète : ses images manquent. Exportez-la à nouveau.");
const NO_VIDEO: Refusal = Refusal::Broken("Ce fichier ne contient pas de vidéo, ou seulement du son.");

/// The content of a box: from where to where.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u64,
    end: u64,
}

/// A video track.
#[derive(Debug, Clone, Copy)]
struct Track {
    codec: [u8; 4],
    width: u16,
    height: u16,
    duration: Option<i32>,
}

struct Walk<'a, R> {
    file: &'a mut Source<R>,
    boxes_left: u32,
}

/// Reads a video that has to be H.264.
pub(super) fn read<R: Read + Seek>(file: &mut Source<R>, kind: Kind) -> Result<Facts> {
    let whole = Span { start: 0, end: file.size };
    let mut walk = Walk { file, boxes_left: MOST_BOXES };
    let (mut index, mut content) = (None, None);
    walk.each(whole, |_, kind, span| {
        match &kind {
            b"moov" if index.is_none() => index = Some(span),
            b"mdat" if content.is_none() => content = Some(span),
            _ => {}
        }
        Ok(())
    })?;
    let (index, content) = (index.ok_or(NO_INDEX)?, content.ok_or(NO_CONTENT)?);
    if index.end - index.start > LARGEST_INDEX {
        return Err(DAMAGED);
    }
    let (tracks, duration) = walk.movie(index)?;
    let playable = |track: &&Track| matches!(&track.codec, b"avc1" | b"avc3");
    let track = tracks.iter().find(playable).ok_or_else(|| refusal(tracks.first()))?;
    Ok(Facts {
        kind,
        duration: duration.or(track.duration),
        codec: Some("h264"),
        width: track.width.into(),
        height: track.height.into(),
        faststart: Some(index.start < content.start),
    })
}

/// What is said of a video without a track that the boxes play.
fn refusal(track: Option<&Track>) -> Refusal {
    let Some(track) = track else { return NO_VIDEO };
    let codec = match &track.codec {
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "en HEVC (H.265)".to_owned(),
        b"av01" => "en AV1".to_owned(),
        b"vp08" => "en VP8".to_owned(),
        b"vp09" => "en VP9".to_owned(),
        b"mp4v" => "en MPEG-4 partie 2 (DivX, Xvid)".to_owned(),
        b"apcn" | b"apch" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "en Apple ProRes".to_owned(),
        b"jpeg" | b"mjpa" | b"mjpb" => "en Motion JPEG".to_owned(),
        b"encv" => "avec un verrou numérique (DRM)".to_owned(),
        other if other.iter().all(u8::is_ascii_alphanumeric) => {
            format!("avec le codec « {} »", String::from_utf8_lossy(other))
        }
        _ => "avec un codec inconnu".to_owned(),
    };
    let sentence = format!(
        "Cette vidéo est codée {codec}, que les boîtiers ne lisent pas. Convertissez-la en MP4 avec le codec H.264 \
         (avec HandBrake par exemple), puis renvoyez-la."
    );
    Refusal::Unsupported("unsupported_codec", sentence)
}

impl<R: Read + Seek> Walk<'_, R> {
    /// Looks at each box within a span.
    fn each(&mut self, within: Span, mut look: impl FnMut(&mut Self, [u8; 4], Span) -> Result<()>) -> Result<()> {
        let mut at = within.start;
        // QuickTime ends some lists with four zero bytes.
        while within.end - at >= 8 {
            self.boxes_left = self.boxes_left.checked_sub(1).ok_or(DAMAGED)?;
            let [a, b, c, d, kind @ ..]: [u8; 8] = self.file.bytes(at)?;
            let (head, size) = match u32::from_be_bytes([a, b, c, d]) {
                0 => (8, within.end - at),
                1 => (16, self.file.u64(at + 8)?),
                size => (8, u64::from(size)),
            };
            if size < head {
                return Err(DAMAGED);
            }
            if size > within.end - at {
                return Err(INCOMPLETE);
            }
            look(self, kind, Span { start: at + head, end: at + size })?;
            at += size;
        }
        Ok(())
    }

    /// The video tracks of a movie and its length.
    fn movie(&mut self, movie: Span) -> Result<(Vec<Track>, Option<i32>)> {
        let (mut tracks, mut length, mut scale, mut fragments) = (Vec::new(), None, 0, None);
        self.each(movie, |walk, kind, span| {
            match &kind {
                b"mvhd" => (length, scale) = walk.duration(span)?,
                b"trak" => tracks.extend(walk.track(span)?),
                b"mvex" => walk.each(span, |walk, kind, span| {
                    if &kind == b"mehd" {
                        fragments = match walk.file.u32(span.start)? >> 24 {
                            0 => Some(u64::from(walk.file.u32(span.start + 4)?)),
                            _ => Some(walk.file.u64(span.start + 4)?),
                        };
                    }
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        let duration = seconds(length, scale).or_else(|| seconds(fragments, scale));
        Ok((tracks, duration))
    }

    /// A track, if it is a video.
    fn track(&mut self, track: Span) -> Result<Option<Track>> {
        let (mut turned, mut is_video, mut duration, mut entry) = (false, false, None, None);
        self.each(track, |walk, kind, span| {
            match &kind {
                b"tkhd" => turned = walk.turned(span)?,
                b"mdia" => walk.each(span, |walk, kind, span| {
                    match &kind {
                        b"hdlr" => is_video = &walk.file.bytes::<4>(span.start + 8)? == b"vide",
                        b"mdhd" => {
                            let (length, scale) = walk.duration(span)?;
                            duration = seconds(length, scale);
                        }
                        b"minf" => entry = walk.sample_entry(span)?,
                        _ => {}
                    }
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(entry.filter(|_| is_video).map(|(codec, width, height)| {
            let (width, height) = if turned { (height, width) } else { (width, height) };
            Track { codec, width, height, duration }
        }))
    }

    /// The codec and the size in the first sample entry: `stbl`, `stsd` (8.5.2), entry (12.1.3).
    fn sample_entry(&mut self, media: Span) -> Result<Option<([u8; 4], u16, u16)>> {
        let mut description = None;
        self.each(media, |walk, kind, span| {
            if &kind == b"stbl" {
                walk.each(span, |_, kind, span| {
                    if &kind == b"stsd" {
                        description = Some(span);
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        // Behind version and count: size, codec, 24 bytes of other things, width, height.
        let Some(span) = description.filter(|span| span.end - span.start >= 8 + 36) else { return Ok(None) };
        let entry: [u8; 36] = self.file.bytes(span.start + 8)?;
        let [_, _, _, _, c, o, d, e, .., w, i, h, t] = entry;
        Ok(Some(([c, o, d, e], u16::from_be_bytes([w, i]), u16::from_be_bytes([h, t]))))
    }

    /// Length and time scale in `mvhd` and `mdhd`, which begin alike (8.2.2, 8.4.2). All ones: unknown.
    fn duration(&mut self, span: Span) -> Result<(Option<u64>, u32)> {
        let at = span.start;
        Ok(match self.file.u32(at)? >> 24 {
            0 => (
                Some(self.file.u32(at + 16)?).filter(|length| *length != u32::MAX).map(u64::from),
                self.file.u32(at + 12)?,
            ),
            _ => (Some(self.file.u64(at + 24)?).filter(|length| *length != u64::MAX), self.file.u32(at + 20)?),
        })
    }

    /// Whether the matrix in `tkhd` (8.3.2) turns the picture by a quarter: phones film upright that way.
    fn turned(&mut self, span: Span) -> Result<bool> {
        let matrix = span.start + if self.file.u32(span.start)? >> 24 == 0 { 40 } else { 52 };
        let (a, b) = (self.file.u32(matrix)?, self.file.u32(matrix + 4)?);
        Ok(a == 0 && b != 0)
    }
}

/// Whole seconds; at least one, if it is any time at all.
fn seconds(length: Option<u64>, scale: u32) -> Option<i32> {
    let (length, scale) = (length.filter(|length| *length > 0)?, u64::from(scale));
    let rounded = length.saturating_add(scale / 2).checked_div(scale)?;
    i32::try_from(rounded.max(1)).ok()
}
