//! What a file is, by its own bytes: neither its name nor what the sender says counts.
//!
//! Readers of our own for the few facts that we need: each looks at the heads of boxes and segments, at places that it
//! computes within the file's bounds, in a fixed amount of memory (ADR 0009).

mod images;
mod mp4;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::Error;
use crate::storage::Kind;

/// How many of a file's first bytes [`sniff`] wants, if there are as many.
pub const HEAD: usize = 512;

/// What is known of an accepted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Whole seconds; none for an image, or if the file does not say.
    pub duration: Option<i32>,
    /// `h264`; none for an image.
    pub codec: Option<&'static str>,
    /// Pixels, as it is shown: a video filmed upright is higher than wide.
    pub width: i32,
    /// Pixels, as it is shown.
    pub height: i32,
    /// Whether playing can begin before the whole file is there; none for an image.
    pub faststart: Option<bool>,
}

/// Why a file is not accepted.
#[derive(Debug)]
pub enum Refusal {
    /// Another kind of file; its code and a sentence that says what to convert it to.
    Unsupported(&'static str, String),
    /// An accepted kind, but not whole.
    Broken(&'static str),
    /// It could not be read from the disk.
    Io(io::Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported(code, sentence) => Self::Unsupported(code, sentence),
            Refusal::Broken(sentence) => Self::Unreadable(sentence),
            Refusal::Io(error) => Self::Internal(format!("storage: {error}")),
        }
    }
}

type Result<T> = std::result::Result<T, Refusal>;

const INCOMPLETE: Refusal =
    Refusal::Broken("Ce fichier est incomplet : sa fin manque. Exportez-le ou copiez-le à nouveau.");
const DAMAGED: Refusal =
    Refusal::Broken("Ce fichier est endommagé : sa structure n'est pas lisible. Exportez-le à nouveau.");

/// The kind of a file by its first bytes, at most [`HEAD`] of them.
///
/// # Errors
/// [`Refusal::Unsupported`]; whether an accepted kind is whole shows in [`read`].
pub fn sniff(head: &[u8]) -> Result<Kind> {
    let at = |place: usize, bytes: &[u8]| head.get(place..).is_some_and(|rest| rest.starts_with(bytes));
    let contains = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    if at(4, b"ftyp") {
        return match head.get(8..12).unwrap_or_default() {
            b"qt  " => Ok(Kind::Mov),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Err(image("HEIC")),
            b"avif" | b"avis" => Err(image("AVIF")),
            _ => Ok(Kind::Mp4),
        };
    }
    // QuickTime of before 2001 had no `ftyp`.
    if [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"].into_iter().any(|kind| at(4, kind)) {
        return Ok(Kind::Mov);
    }
    Err(match head {
        [] => Refusal::Broken("Ce fichier est vide."),
        [0xFF, 0xD8, 0xFF, ..] => return Ok(Kind::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => return Ok(Kind::Png),
        [b'R', b'I', b'F', b'F', ..] if at(8, b"WEBP") => return Ok(Kind::WebP),
        [b'R', b'I', b'F', b'F', ..] if at(8, b"AVI ") => video("AVI"),
        [0x1A, 0x45, 0xDF, 0xA3, ..] if contains(b"webm") => video("WebM"),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => video("MKV (Matroska)"),
        [b'O', b'g', b'g', b'S', ..] => video("Ogg"),
        [0x30, 0x26, 0xB2, 0x75, ..] => video("WMV (Windows Media)"),
        [b'F', b'L', b'V', ..] => video("FLV"),
        [0, 0, 1, 0xBA | 0xB3, ..] => video("MPEG"),
        [b'G', b'I', b'F', b'8', ..] => image("GIF"),
        // Packets of 188 bytes, of cameras with four more before each.
        [0x47, ..] if at(188, &[0x47]) => video("MPEG-TS"),
        [_, _, _, _, 0x47, ..] if at(196, &[0x47]) => video("MPEG-TS (AVCHD)"),
        [b'B', b'M', ..] if at(6, &[0; 4]) => image("BMP"),
        [b'I', b'I', 0x2A, 0, ..] | [b'M', b'M', 0, 0x2A, ..] => image("TIFF"),
        _ => other(),
    })
}

fn video(name: &str) -> Refusal {
    let sentence = format!(
        "Le format {name} n'est pas accepté. Convertissez la vidéo en MP4 avec le codec H.264 \
         (avec HandBrake par exemple), puis renvoyez-la."
    );
    Refusal::Unsupported("unsupported_format", sentence)
}

fn image(name: &str) -> Refusal {
    let sentence =
        format!("Le format {name} n'est pas accepté. Convertissez l'image en JPEG, PNG ou WebP, puis renvoyez-la.");
    Refusal::Unsupported("unsupported_format", sentence)
}

fn other() -> Refusal {
    let sentence = "Ce fichier n'est ni une vidéo MP4 ou MOV, ni une image JPEG, PNG ou WebP. Convertissez une vidéo en \
                    MP4 avec le codec H.264, une image en JPEG, PNG ou WebP.";
    Refusal::Unsupported("unsupported_format", sentence.into())
}

/// Reads the facts of a whole file. Waits for the disk.
///
/// # Errors
/// See [`Refusal`].
pub fn read<R: Read + Seek>(file: R, kind: Kind) -> Result<Facts> {
    let mut file = Source::new(file)?;
    let facts = match kind {
        Kind::Mp4 | Kind::Mov => mp4::read(&mut file, kind)?,
        Kind::Jpeg => picture(kind, images::jpeg(file)?)?,
        Kind::Png => picture(kind, images::png(&mut file)?)?,
        Kind::WebP => picture(kind, images::webp(&mut file)?)?,
    };
    if facts.width == 0 || facts.height == 0 { Err(DAMAGED) } else { Ok(facts) }
}

fn picture(kind: Kind, (width, height): (u32, u32)) -> Result<Facts> {
    let pixels = |number: u32| i32::try_from(number).map_err(|_| DAMAGED);
    Ok(Facts { kind, duration: None, codec: None, width: pixels(width)?, height: pixels(height)?, faststart: None })
}

/// A file that is looked into at any place within its bounds.
struct Source<R> {
    file: R,
    size: u64,
}

impl<R: Read + Seek> Source<R> {
    fn new(mut file: R) -> Result<Self> {
        let size = file.seek(SeekFrom::End(0)).map_err(Refusal::Io)?;
        Ok(Self { file, size })
    }

    /// The bytes at a place.
    fn bytes<const N: usize>(&mut self, at: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        if at.checked_add(N as u64).is_none_or(|end| end > self.size) {
            return Err(INCOMPLETE);
        }
        self.file.seek(SeekFrom::Start(at)).map_err(Refusal::Io)?;
        self.file.read_exact(&mut bytes).map_err(Refusal::Io)?;
        Ok(bytes)
    }

    /// A number at a place, its largest byte first.
    fn u32(&mut self, at: u64) -> Result<u32> {
        self.bytes(at).map(u32::from_be_bytes)
    }

    /// A number at a place, its largest byte first.
    fn u64(&mut self, at: u64) -> Result<u64> {
        self.bytes(at).map(u64::from_be_bytes)
    }
}
