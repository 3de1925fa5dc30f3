//! The outside of a backup: what it is, whether it is whole, and, with a passphrase, that nobody else reads it.
//!
//! ```text
//! NEOPRO-BACKUP 1\n
//! {"encryption": null | {"cipher": "aes-256-gcm", "kdf": "argon2id", "memory_kib", "passes", "lanes", "salt"}}\n
//! frames: 1 byte (1: the last one), 4 bytes of length, big-endian, and so many bytes
//! 32 bytes: the SHA-256 of everything before
//! ```
//!
//! The frames together are a gzip stream of records. Encrypted, each is sealed by itself, its number and whether it is the
//! last in the nonce and the two lines above as associated data: frames cannot be left out, moved, or put into
//! another file. The hash at the end tells a damaged file from a wrong passphrase, and needs none.

use std::io::{self, BufRead as _, BufReader, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{FORMAT, Fault};

const FIRST_WORD: &str = "NEOPRO-BACKUP ";
/// A frame before it is sealed.
const FRAME: usize = 64 * 1024;
const TAG: usize = 16;
const HASH: usize = 32;
/// The longest of the two lines.
const LONGEST_LINE: u64 = 1_000;
/// What guessing a passphrase costs: 64 MiB of memory and three passes.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// More than this no file of ours asks for: a foreign one shall not take all memory.
const DEAREST: (u32, u32, u32) = (256 * 1024, 10, 4);

/// The second line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    encryption: Option<Encryption>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Encryption {
    cipher: String,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

/// Seals and opens frames, one after the other.
struct Cipher {
    key: LessSafeKey,
    head: Vec<u8>,
    next: u32,
}

impl Cipher {
    fn new(passphrase: &str, with: &Encryption, head: &[u8]) -> Result<Self, Fault> {
        let damaged = || Fault::Damaged("son en-tête est illisible".into());
        let salt = BASE64.decode(with.salt.as_bytes()).map_err(|_| damaged())?;
        let within = with.memory_kib <= DEAREST.0 && with.passes <= DEAREST.1 && with.lanes <= DEAREST.2;
        if with.cipher != "aes-256-gcm" || with.kdf != "argon2id" || !within {
            return Err(damaged());
        }
        let mut key = [0u8; 32];
        let params = Params::new(with.memory_kib, with.passes, with.lanes, Some(key.len())).map_err(|_| damaged())?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut key)
            .map_err(|_| damaged())?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| damaged())?;
        Ok(Self { key: LessSafeKey::new(key), head: head.to_vec(), next: 0 })
    }

    /// The nonce of the next frame: every file has a key of its own, so that a number is enough.
    fn nonce(&mut self, is_last: bool) -> io::Result<Nonce> {
        let mut nonce = [0u8; NONCE_LEN];
        nonce[..4].copy_from_slice(&self.next.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(is_last);
        self.next = self.next.checked_add(1).ok_or_else(|| io::Error::other("too many frames"))?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    fn seal(&mut self, frame: &mut Vec<u8>, is_last: bool) -> io::Result<()> {
        let nonce = self.nonce(is_last)?;
        let sealed = self.key.seal_in_place_append_tag(nonce, Aad::from(&self.head), frame);
        sealed.map_err(|_| io::Error::other("it could not be encrypted"))
    }

    fn open(&mut self, frame: &mut Vec<u8>, is_last: bool) -> Result<(), Fault> {
        let is_first = self.next == 0;
        let nonce = self.nonce(is_last)?;
        match self.key.open_in_place(nonce, Aad::from(&self.head), frame) {
            Ok(opened) => {
                let length = opened.len();
                frame.truncate(length);
                Ok(())
            }
            Err(_) if is_first => Err(Fault::Passphrase),
            Err(_) => Err(Fault::Damaged("un morceau chiffré ne s'ouvre pas".into())),
        }
    }
}

/// Writes a backup's outside around what is written into it.
pub(super) struct Sealed<W: Write> {
    out: W,
    digest: Sha256,
    cipher: Option<Cipher>,
    frame: Vec<u8>,
}

impl<W: Write> Sealed<W> {
    pub(super) fn begin(out: W, passphrase: Option<&str>) -> Result<Self, Fault> {
        let encryption = match passphrase {
            None => None,
            Some(_) => {
                let mut salt = [0u8; 16];
                getrandom::fill(&mut salt).map_err(|error| Fault::Io(io::Error::other(error)))?;
                let (memory_kib, passes, lanes) = COST;
                let (cipher, kdf) = ("aes-256-gcm".to_owned(), "argon2id".to_owned());
                Some(Encryption { cipher, kdf, memory_kib, passes, lanes, salt: BASE64.encode(&salt) })
            }
        };
        let head = Head { encryption };
        let line = serde_json::to_string(&head).map_err(io::Error::from)?;
        let lines = format!("{FIRST_WORD}{FORMAT}\n{line}\n");
        let cipher = match (passphrase, &head.encryption) {
            (Some(passphrase), Some(with)) => Some(Cipher::new(passphrase, with, lines.as_bytes())?),
            _ => None,
        };
        let mut sealed = Self { out, digest: Sha256::new(), cipher, frame: Vec::with_capacity(FRAME + TAG) };
        sealed.put(lines.as_bytes())?;
        Ok(sealed)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.out.write_all(bytes)
    }

    fn end_frame(&mut self, is_last: bool) -> io::Result<()> {
        let mut frame = std::mem::take(&mut self.frame);
        if let Some(cipher) = &mut self.cipher {
            cipher.seal(&mut frame, is_last)?;
        }
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.put(&[u8::from(is_last)])?;
        self.put(&length.to_be_bytes())?;
        self.put(&frame)?;
        frame.clear();
        self.frame = frame;
        Ok(())
    }

    /// Writes what is left and the hash; what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.end_frame(true)?;
        let hash = self.digest.finalize();
        self.out.write_all(&hash)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(FRAME - self.frame.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        if self.frame.len() == FRAME {
            self.end_frame(false)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether every byte is the one that was written: the SHA-256 of the file, hex.
///
/// # Errors
/// Its end is missing, or a byte is another.
pub(super) fn check(file: impl Read, length: u64) -> Result<String, Fault> {
    let mut file = BufReader::with_capacity(FRAME, file);
    let mut first = Vec::new();
    file.by_ref().take(FIRST_WORD.len() as u64).read_to_end(&mut first)?;
    if first != FIRST_WORD.as_bytes() {
        return Err(Fault::NotOurs);
    }
    let behind =
        length.checked_sub((first.len() + HASH) as u64).ok_or_else(|| Fault::Damaged("la fin manque".into()))?;
    let mut hashed = Hashed { digest: Sha256::new_with_prefix(&first), file: file.by_ref().take(behind) };
    io::copy(&mut hashed, &mut io::sink())?;
    let mut digest = hashed.digest;
    let mut told = Vec::new();
    file.read_to_end(&mut told)?;
    if told.len() != HASH || digest.clone().finalize().as_slice() != told {
        return Err(Fault::Damaged("son empreinte SHA-256 n'est pas celle qu'elle porte".into()));
    }
    digest.update(&told);
    Ok(data_encoding::HEXLOWER.encode(&digest.finalize()))
}

struct Hashed<R> {
    digest: Sha256,
    file: R,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.digest.update(&into[..read]);
        Ok(read)
    }
}

/// Reads what is within a backup.
pub(super) struct Opened<R: Read> {
    file: BufReader<R>,
    cipher: Option<Cipher>,
    frame: Vec<u8>,
    read: usize,
    is_last: bool,
}

impl<R: Read> Opened<R> {
    pub(super) fn open(file: R, passphrase: Option<&str>) -> Result<Self, Fault> {
        let mut file = BufReader::with_capacity(FRAME, file);
        let mut lines = String::new();
        let mut line = || -> Result<String, Fault> {
            let from = lines.len();
            match file.by_ref().take(LONGEST_LINE).read_line(&mut lines) {
                Ok(_) if lines.ends_with('\n') => Ok(lines[from..].trim_end().to_owned()),
                Ok(_) => Err(Fault::Damaged("son en-tête est illisible".into())),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Fault::NotOurs),
                Err(error) => Err(error.into()),
            }
        };
        let first = line()?;
        let format = first.strip_prefix(FIRST_WORD).and_then(|number| number.parse().ok()).ok_or(Fault::NotOurs)?;
        if format != FORMAT {
            return Err(Fault::Newer(format));
        }
        let head: Head =
            serde_json::from_str(&line()?).map_err(|_| Fault::Damaged("son en-tête est illisible".into()))?;
        let cipher = match (&head.encryption, passphrase) {
            (None, None) => None,
            (None, Some(_)) => return Err(Fault::Open),
            (Some(_), None) => return Err(Fault::Locked),
            (Some(with), Some(passphrase)) => Some(Cipher::new(passphrase, with, lines.as_bytes())?),
        };
        Ok(Self { file, cipher, frame: Vec::new(), read: 0, is_last: false })
    }

    fn next_frame(&mut self) -> Result<(), Fault> {
        let mut head = [0u8; 5];
        self.file.read_exact(&mut head)?;
        let [last, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if last > 1 || length > FRAME + TAG {
            return Err(Fault::Damaged("un morceau est illisible".into()));
        }
        self.is_last = last == 1;
        self.read = 0;
        self.frame.resize(length, 0);
        self.file.read_exact(&mut self.frame)?;
        match &mut self.cipher {
            Some(cipher) => cipher.open(&mut self.frame, self.is_last),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.frame.len() {
            if self.is_last {
                return Ok(0);
            }
            self.next_frame().map_err(io::Error::other)?;
        }
        let taken = into.len().min(self.frame.len() - self.read);
        into[..taken].copy_from_slice(&self.frame[self.read..][..taken]);
        self.read += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &[u8], passphrase: Option<&str>) -> Vec<u8> {
        let mut sealed = Sealed::begin(Vec::new(), passphrase).expect("begun");
        sealed.write_all(text).expect("written");
        sealed.finish().expect("finished")
    }

    fn opened(file: &[u8], passphrase: Option<&str>) -> Result<Vec<u8>, Fault> {
        check(file, file.len() as u64)?;
        let mut text = Vec::new();
        Opened::open(file, passphrase)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_goes_in_comes_out_and_only_with_its_passphrase() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME] {
            let text: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert_eq!(opened(&sealed(&text, None), None).expect("open"), text);
        }
        let text = vec![7; 2 * FRAME + 5];
        let file = sealed(&text, Some("phrase"));
        assert_eq!(opened(&file, Some("phrase")).expect("open"), text);
        assert!(!file.windows(8).any(|window| window == [7; 8]), "nothing of it stands in clear");
        assert!(matches!(opened(&file, Some("phrasé")), Err(Fault::Passphrase)));
        assert!(matches!(opened(&file, None), Err(Fault::Locked)));
        assert!(matches!(opened(&sealed(&text, None), Some("phrase")), Err(Fault::Open)));
        assert_ne!(file, sealed(&text, Some("phrase")), "never twice the same");
    }

    #[test]
    fn no_byte_can_be_changed_left_out_or_added() {
        let file = sealed(b"0123456789", None);
        for place in 0..file.len() {
            let mut flipped = file.clone();
            flipped[place] ^= 4;
            assert!(opened(&flipped, None).is_err(), "byte {place}");
            assert!(opened(&file[..place], None).is_err(), "cut at {place}");
        }
        let longer = [&file[..], b"x"].concat();
        assert!(matches!(opened(&longer, None), Err(Fault::Damaged(_))));
        assert!(matches!(opened(b"PGDMP", None), Err(Fault::NotOurs)));
        assert!(matches!(opened(b"", None), Err(Fault::NotOurs)));
    }

    /// Whoever can write the file can write its hash as well. Encrypted, that helps him nothing.
    #[test]
    fn encrypted_frames_stay_in_their_file_and_their_order() {
        let again = |mut file: Vec<u8>| {
            file.truncate(file.len() - HASH);
            let hash = Sha256::digest(&file);
            file.extend_from_slice(&hash);
            file
        };
        let file = sealed(&vec![9; FRAME + 3], Some("phrase"));
        assert!(opened(&again(file.clone()), Some("phrase")).is_ok(), "the control");
        let behind_head = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).expect("two lines").0 + 1;
        let second = behind_head + 5 + FRAME + TAG;
        let swapped =
            [&file[..behind_head], &file[second..file.len() - HASH], &file[behind_head..second], &[0; HASH]].concat();
        assert!(opened(&again(swapped), Some("phrase")).is_err(), "two frames have changed places");
        let mut ended = file[..second].to_vec();
        ended[behind_head] = 1;
        ended.extend_from_slice(&[0; HASH]);
        assert!(opened(&again(ended), Some("phrase")).is_err(), "the last frame is missing");
    }

    #[test]
    fn a_foreign_file_cannot_ask_for_all_memory_or_a_later_format() {
        let head = r#"{"encryption":{"cipher":"aes-256-gcm","kdf":"argon2id","memory_kib":4000000000,"passes":1,"lanes":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#;
        let file = format!("{FIRST_WORD}{FORMAT}\n{head}\n");
        assert!(matches!(Opened::open(file.as_bytes(), Some("x")), Err(Fault::Damaged(_))));
        let later = format!("{FIRST_WORD}{}\n{{}}\n", FORMAT + 1);
        assert!(matches!(Opened::open(later.as_bytes(), None), Err(Fault::Newer(2))));
    }
}
