//! JPEG, PNG and WebP: how large the picture is, and whether the file is whole.

use std::io::{BufRead as _, BufReader, Read, Seek, SeekFrom};

use super::{DAMAGED, INCOMPLETE, Refusal, Result, Source};

/// The most chunks of a PNG. Writers make them of 8 kB and more.
const MOST_CHUNKS: u32 = 200_000;

/// PNG (W3C, 5.3): chunks up to `IEND`, the first of which has the size.
pub(super) fn png<R: Read + Seek>(file: &mut Source<R>) -> Result<(u32, u32)> {
    let mut at = 8;
    if &file.bytes::<8>(at)? != b"\0\0\0\x0dIHDR" {
        return Err(DAMAGED);
    }
    let size = (file.u32(at + 8)?, file.u32(at + 12)?);
    for _ in 0..MOST_CHUNKS {
        let [a, b, c, d, kind @ ..]: [u8; 8] = file.bytes(at)?;
        // Length, kind, content, checksum.
        at += 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if at > file.size {
            return Err(INCOMPLETE);
        }
        if &kind == b"IEND" {
            return Ok(size);
        }
    }
    Err(DAMAGED)
}

/// WebP (RFC 9649): the size stands in the first chunk, in three ways.
pub(super) fn webp<R: Read + Seek>(file: &mut Source<R>) -> Result<(u32, u32)> {
    let length = u32::from_le_bytes(file.bytes(4)?);
    if u64::from(length) + 8 > file.size {
        return Err(INCOMPLETE);
    }
    match &file.bytes::<4>(12)? {
        b"VP8 " => match file.bytes::<10>(20)? {
            [_, _, _, 0x9D, 0x01, 0x2A, w, i, h, t] => {
                let (width, height) = (u16::from_le_bytes([w, i]) & 0x3FFF, u16::from_le_bytes([h, t]) & 0x3FFF);
                Ok((width.into(), height.into()))
            }
            _ => Err(DAMAGED),
        },
        b"VP8L" => match file.bytes::<5>(20)? {
            [0x2F, a, b, c, d] => {
                let bits = u32::from_le_bytes([a, b, c, d]);
                Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
            }
            _ => Err(DAMAGED),
        },
        b"VP8X" => {
            let [_, _, _, _, a, b, c, d, e, f] = file.bytes::<10>(20)?;
            Ok((u32::from_le_bytes([a, b, c, 0]) + 1, u32::from_le_bytes([d, e, f, 0]) + 1))
        }
        _ => Err(DAMAGED),
    }
}

/// JPEG (ITU T.81, annex B): segments with a length, and scans without one, up to the end mark. What phones append
/// behind it does not concern us.
pub(super) fn jpeg<R: Read + Seek>(source: Source<R>) -> Result<(u32, u32)> {
    let mut file = source.file;
    file.seek(SeekFrom::Start(2)).map_err(Refusal::Io)?;
    let mut reader = Jpeg(BufReader::with_capacity(64 * 1024, file));
    let (mut size, mut scanned) = (None, false);
    loop {
        match reader.marker()? {
            // End of the picture.
            0xD9 => return size.filter(|_| scanned).ok_or(DAMAGED),
            // Another beginning, where none can be.
            0xD8 => return Err(DAMAGED),
            marker => {
                let [length, rest] = reader.bytes()?;
                let mut length = u16::from_be_bytes([length, rest]).checked_sub(2).ok_or(DAMAGED)?;
                // Frames: C0 to CF, without the tables among them.
                if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
                    let [_, h, t, w, i] = reader.bytes()?;
                    size = size.or(Some((u16::from_be_bytes([w, i]).into(), u16::from_be_bytes([h, t]).into())));
                    length = length.checked_sub(5).ok_or(DAMAGED)?;
                }
                scanned |= marker == 0xDA;
                reader.0.seek_relative(length.into()).map_err(Refusal::Io)?;
            }
        }
    }
}

struct Jpeg<R>(BufReader<R>);

impl<R: Read + Seek> Jpeg<R> {
    /// The next mark, behind whatever comes before it: the compressed picture has its own `FF`s, which are followed by
    /// zero or are restart marks.
    fn marker(&mut self) -> Result<u8> {
        loop {
            let buffer = self.0.fill_buf().map_err(Refusal::Io)?;
            if buffer.is_empty() {
                return Err(INCOMPLETE);
            }
            let found = memchr::memchr(0xFF, buffer);
            let passed = found.map_or(buffer.len(), |at| at + 1);
            self.0.consume(passed);
            if found.is_none() {
                continue;
            }
            let mut byte = 0xFF;
            while byte == 0xFF {
                [byte] = self.bytes()?;
            }
            if !matches!(byte, 0x00 | 0x01 | 0xD0..=0xD7) {
                return Ok(byte);
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(INCOMPLETE),
            Err(error) => Err(Refusal::Io(error)),
        }
    }
}
