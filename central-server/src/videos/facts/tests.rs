//! Real files whole, cut off at every byte, and with random damage.

use std::io::Cursor;
use std::time::{Duration, Instant};

use super::*;

macro_rules! media {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/media/", $name)).as_slice()
    };
}

const FASTSTART: &[u8] = media!("faststart.mp4");
const LATE: &[u8] = media!("late.mp4");
const FRAGMENTED: &[u8] = media!("fragmented.mp4");
const UPRIGHT: &[u8] = media!("upright.mp4");
const QUICKTIME: &[u8] = media!("quicktime.mov");
const HEVC: &[u8] = media!("hevc.mp4");
const SOUND: &[u8] = media!("sound.m4a");
const JPEG: &[u8] = media!("picture.jpg");
const PNG: &[u8] = media!("picture.png");
const LOSSY: &[u8] = media!("lossy.webp");
const LOSSLESS: &[u8] = media!("lossless.webp");
const TRANSPARENT: &[u8] = media!("transparent.webp");

const ACCEPTED: [&[u8]; 10] =
    [FASTSTART, LATE, FRAGMENTED, UPRIGHT, QUICKTIME, JPEG, PNG, LOSSY, LOSSLESS, TRANSPARENT];

fn facts(file: &[u8]) -> Result<Facts> {
    read(Cursor::new(file), sniff(&file[..file.len().min(HEAD)])?)
}

/// The sentence of a refusal.
fn refused(file: &[u8]) -> String {
    match facts(file).map_err(Error::from) {
        Err(error @ (Error::Unsupported(..) | Error::Unreadable(_))) => error.sentence(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn videos_say_what_they_are() {
    let video = |kind, width, height, faststart| Facts {
        kind,
        duration: Some(2),
        codec: Some("h264"),
        width,
        height,
        faststart: Some(faststart),
    };
    assert_eq!(facts(FASTSTART).expect("accepted"), video(Kind::Mp4, 64, 36, true));
    assert_eq!(facts(LATE).expect("accepted"), video(Kind::Mp4, 64, 36, false));
    assert_eq!(facts(UPRIGHT).expect("accepted"), video(Kind::Mp4, 36, 64, false));
    assert_eq!(facts(QUICKTIME).expect("accepted"), video(Kind::Mov, 64, 36, false));
    let fragmented = facts(FRAGMENTED).expect("accepted");
    // Its length stands in no head, but in the fragments.
    assert_eq!(fragmented, Facts { duration: None, ..video(Kind::Mp4, 64, 36, true) });
    // QuickTime of before 2001: the same without its `ftyp`.
    assert_eq!(facts(&QUICKTIME[20..]).expect("accepted"), video(Kind::Mov, 64, 36, false));
}

#[test]
fn pictures_say_what_they_are() {
    for (file, kind) in
        [(JPEG, Kind::Jpeg), (PNG, Kind::Png), (LOSSY, Kind::WebP), (LOSSLESS, Kind::WebP), (TRANSPARENT, Kind::WebP)]
    {
        let expected = Facts { kind, duration: None, codec: None, width: 64, height: 36, faststart: None };
        assert_eq!(facts(file).expect("accepted"), expected);
        // What a phone appends behind a picture does not matter.
        assert_eq!(facts(&[file, FASTSTART].concat()).expect("accepted"), expected);
    }
}

#[test]
fn another_container_or_codec_is_named_with_what_to_convert_to() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    for (file, name, target) in [
        (media!("vp9.webm"), "WebM", "MP4 avec le codec H.264"),
        (media!("h264.mkv"), "MKV", "MP4 avec le codec H.264"),
        (media!("mpeg4.avi"), "AVI", "MP4 avec le codec H.264"),
        (media!("mpeg2.ts"), "MPEG-TS", "MP4 avec le codec H.264"),
        (HEVC, "HEVC (H.265)", "MP4 avec le codec H.264"),
        (b"OggS\0\0\0\0", "Ogg", "MP4 avec le codec H.264"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMV", "MP4 avec le codec H.264"),
        (media!("picture.gif"), "GIF", "JPEG, PNG ou WebP"),
        (heic, "HEIC", "JPEG, PNG ou WebP"),
        (b"II*\0aaaa", "TIFF", "JPEG, PNG ou WebP"),
        (b"just a text, whatever its name", "ni une vidéo", "MP4 avec le codec H.264"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "ni une vidéo", "JPEG, PNG ou WebP"),
        (b"<!doctype html><script>1</script>", "ni une vidéo", "JPEG, PNG ou WebP"),
    ] {
        let sentence = refused(file);
        assert!(sentence.contains(name) && sentence.contains(target) && sentence.ends_with('.'), "{sentence}");
    }
    assert!(refused(SOUND).contains("seulement du son"));
    assert!(refused(b"").contains("vide"));
    // The codec counts, not the name of the brand: the same file with other letters.
    let entry = FASTSTART.windows(4).position(|window| window == b"avc1").expect("among the brands");
    let entry = entry + 4 + FASTSTART[entry + 4..].windows(4).position(|window| window == b"avc1").expect("the entry");
    for (letters, name) in
        [(b"vp09", "VP9"), (b"av01", "AV1"), (b"apcn", "ProRes"), (b"zz99", "« zz99 »"), (b"\0\xff<>", "inconnu")]
    {
        let other = [&FASTSTART[..entry], letters, &FASTSTART[entry + 4..]].concat();
        let sentence = refused(&other);
        assert!(sentence.contains(name), "{sentence}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    for file in ACCEPTED {
        // A fragmented video may end behind any fragment, and a head of which less than eight bytes are there is none.
        let may_end = if file == FRAGMENTED { file.len() - 67..file.len() - 59 } else { 0..0 };
        for length in (0..file.len()).filter(|length| !may_end.contains(length)) {
            assert!(facts(&file[..length]).is_err(), "{length} of {} bytes were accepted", file.len());
        }
    }
    assert!(refused(&LATE[..LATE.len() - 1968]).contains("index"));
    assert!(refused(&FASTSTART[..FASTSTART.len() - 1]).contains("incomplet"));
    assert!(refused(&FASTSTART[..939]).contains("images manquent"));
}

/// Numbers that are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

#[test]
fn random_damage_neither_panics_nor_takes_long() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut slowest, mut survived) = (Duration::ZERO, 0);
    for file in ACCEPTED.into_iter().chain([HEVC, SOUND]) {
        for _ in 0..5_000 {
            let mut damaged = file.to_vec();
            for _ in 0..=dice.below(8) {
                // Sizes and counts live at the beginning; values at the edges find more than others.
                let at = if dice.below(2) == 0 { dice.below(file.len()) } else { dice.below(file.len().min(200)) };
                damaged[at] = [0, 1, 0x7F, 0x80, 0xFF, dice.below(256) as u8][dice.below(6)];
            }
            let began = Instant::now();
            survived += usize::from(facts(&damaged).is_ok());
            slowest = slowest.max(began.elapsed());
        }
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    assert!(survived > 100, "damage that goes unnoticed shows that the readers were really reached: {survived}");
}

#[test]
fn a_file_made_to_keep_us_busy_is_given_up() {
    // A million boxes of eight bytes, at the top and within the index.
    let boxes = b"\0\0\0\x08free".repeat(1_000_000);
    let index = [&(boxes.len() as u32 + 8).to_be_bytes()[..], b"moov", &boxes].concat();
    let chunks = b"\0\0\0\0IDATcrc!".repeat(1_000_000);
    let png = [&PNG[..33], &chunks].concat();
    let ftyp = b"\0\0\0\x10ftypisom\0\0\0\0";
    for file in [[ftyp.as_slice(), &boxes].concat(), [ftyp.as_slice(), &index].concat(), png] {
        let began = Instant::now();
        assert!(facts(&file).is_err());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // Sizes at the edge of what can be counted.
    for size in [0u64, 1, 7, 15, 16, u64::MAX, u64::MAX - 15, 1 << 63] {
        let huge = [ftyp.as_slice(), b"\0\0\0\x01moov", &size.to_be_bytes(), &[0; 64]].concat();
        assert!(facts(&huge).is_err(), "{size}");
    }
}
