//! What is within a backup: records, one after the other, each a letter, four bytes of length (big-endian) and so many
//! bytes. All but `D` are JSON.
//!
//! ```text
//! M  the manifest                                once, first
//! T  a table: its name and columns               then
//! D  its rows, as COPY in text format writes them, in pieces that may end anywhere
//! E  the end of the table: rows, bytes, SHA-256
//! O  files that the rows need in the storage     some at a time, behind the tables
//! Z  the end: tables, rows, files, SHA-256 of every record before
//! ```

use std::io::{Read, Write};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::envelope::{Opened, Sealed};
use super::{End, Fault, Manifest, Needed, Table, Whole};

/// Rows are gathered up to this size.
const PIECE: usize = 128 * 1024;
/// No record is longer, whoever has written it.
const LONGEST: usize = 16 * 1024 * 1024;

/// Writes records into a backup.
pub(super) struct Writer<W: Write> {
    out: GzEncoder<Sealed<W>>,
    digest: Sha256,
    piece: Vec<u8>,
    end: End,
    table: (Sha256, Whole),
}

fn nothing_yet() -> (Sha256, Whole) {
    (Sha256::new(), Whole { rows: 0, bytes: 0, sha256: String::new() })
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W, passphrase: Option<&str>, manifest: &Manifest) -> Result<Self, Fault> {
        // The fastest: rows of one table are alike, and the free plans' processors are small.
        let out = GzEncoder::new(Sealed::begin(out, passphrase)?, Compression::fast());
        let end = End { tables: 0, rows: 0, objects: 0, sha256: String::new() };
        let mut writer =
            Self { out, digest: Sha256::new(), piece: Vec::with_capacity(PIECE), end, table: nothing_yet() };
        writer.json(b'M', manifest)?;
        Ok(writer)
    }

    fn record(&mut self, letter: u8, bytes: &[u8]) -> Result<(), Fault> {
        let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?.to_be_bytes();
        for part in [&[letter][..], &length, bytes] {
            self.digest.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }

    fn json(&mut self, letter: u8, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_vec(value).map_err(std::io::Error::from)?;
        self.record(letter, &text)
    }

    pub(super) fn table(&mut self, table: &Table) -> Result<(), Fault> {
        self.table = nothing_yet();
        self.end.tables += 1;
        self.json(b'T', table)
    }

    /// One row, as `COPY` hands it out.
    pub(super) fn row(&mut self, row: &[u8]) -> Result<(), Fault> {
        let (digest, whole) = &mut self.table;
        digest.update(row);
        whole.rows += 1;
        whole.bytes += row.len() as u64;
        for part in row.chunks(PIECE) {
            if self.piece.len() + part.len() > PIECE {
                self.end_piece()?;
            }
            self.piece.extend_from_slice(part);
        }
        Ok(())
    }

    fn end_piece(&mut self) -> Result<(), Fault> {
        let mut piece = std::mem::take(&mut self.piece);
        if !piece.is_empty() {
            self.record(b'D', &piece)?;
        }
        piece.clear();
        self.piece = piece;
        Ok(())
    }

    /// How many rows the table had.
    pub(super) fn end_table(&mut self) -> Result<u64, Fault> {
        self.end_piece()?;
        let (digest, mut whole) = std::mem::replace(&mut self.table, nothing_yet());
        whole.sha256 = HEXLOWER.encode(&digest.finalize());
        self.end.rows += whole.rows;
        self.json(b'E', &whole)?;
        Ok(whole.rows)
    }

    pub(super) fn objects(&mut self, objects: &[Needed]) -> Result<(), Fault> {
        self.end.objects += objects.len() as u64;
        self.json(b'O', &objects)
    }

    /// The last record, and the end of the file.
    pub(super) fn finish(mut self) -> Result<(End, W), Fault> {
        let mut end = self.end.clone();
        end.sha256 = HEXLOWER.encode(&self.digest.clone().finalize());
        self.json(b'Z', &end)?;
        Ok((end, self.out.finish()?.finish()?))
    }
}

/// What comes next in a backup.
#[derive(Debug)]
pub(super) enum Record {
    Table(Table),
    Rows(Vec<u8>),
    /// The table ends, and was what it says.
    TableEnds(Whole),
    Objects(Vec<Needed>),
    /// The file ends, and was what it says.
    End(End),
}

/// Reads records out of a backup, and holds what they say of themselves against what they are.
pub(super) struct Reader<R: Read> {
    file: GzDecoder<Opened<R>>,
    digest: Sha256,
    seen: End,
    table: Option<(Sha256, Whole)>,
}

impl<R: Read> Reader<R> {
    pub(super) fn open(file: R, passphrase: Option<&str>) -> Result<(Self, Manifest), Fault> {
        let file = GzDecoder::new(Opened::open(file, passphrase)?);
        let seen = End { tables: 0, rows: 0, objects: 0, sha256: String::new() };
        let mut reader = Self { file, digest: Sha256::new(), seen, table: None };
        let manifest = match reader.record()? {
            (b'M', bytes) => json(&bytes)?,
            _ => return Err(odd()),
        };
        Ok((reader, manifest))
    }

    fn record(&mut self) -> Result<(u8, Vec<u8>), Fault> {
        let mut head = [0u8; 5];
        self.file.read_exact(&mut head)?;
        let [letter, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length > LONGEST {
            return Err(odd());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        if letter != b'Z' {
            self.digest.update(head);
            self.digest.update(&bytes);
        }
        Ok((letter, bytes))
    }

    pub(super) fn next(&mut self) -> Result<Record, Fault> {
        let (letter, bytes) = self.record()?;
        match (letter, self.table.take()) {
            (b'T', None) => {
                self.table = Some(nothing_yet());
                self.seen.tables += 1;
                Ok(Record::Table(json(&bytes)?))
            }
            (b'D', Some((mut digest, mut whole))) => {
                digest.update(&bytes);
                whole.bytes += bytes.len() as u64;
                self.table = Some((digest, whole));
                Ok(Record::Rows(bytes))
            }
            (b'E', Some((digest, found))) => {
                let told: Whole = json(&bytes)?;
                if told.bytes != found.bytes || told.sha256 != HEXLOWER.encode(&digest.finalize()) {
                    return Err(Fault::Damaged("les lignes d'une table ne sont pas celles qui ont été écrites".into()));
                }
                self.seen.rows += told.rows;
                Ok(Record::TableEnds(told))
            }
            (b'O', None) => {
                let objects: Vec<Needed> = json(&bytes)?;
                self.seen.objects += objects.len() as u64;
                Ok(Record::Objects(objects))
            }
            (b'Z', None) => self.end(json(&bytes)?).map(Record::End),
            _ => Err(odd()),
        }
    }

    fn end(&mut self, told: End) -> Result<End, Fault> {
        self.seen.sha256 = HEXLOWER.encode(&self.digest.clone().finalize());
        let mut behind = [0u8];
        if told != self.seen || self.file.read(&mut behind)? != 0 {
            return Err(Fault::Damaged("il n'y a pas dedans tout ce qui a été écrit".into()));
        }
        Ok(told)
    }
}

fn odd() -> Fault {
    Fault::Damaged("son contenu est illisible".into())
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|_| odd())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            program: "0".into(),
            made_at: "2026-01-01T00:00:00Z".into(),
            postgresql: "17".into(),
            migrations: Vec::new(),
            key: None,
            sequences: Vec::new(),
        }
    }

    fn table() -> Table {
        Table { schema: "public".into(), name: "t".into(), columns: vec!["a".into()], types: vec!["text".into()] }
    }

    #[test]
    fn rows_of_any_length_come_out_as_they_went_in() {
        let rows: Vec<Vec<u8>> =
            [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 5, 0].iter().map(|n| vec![b'x'; *n]).collect();
        let mut writer = Writer::begin(Vec::new(), None, &manifest()).expect("begun");
        writer.table(&table()).expect("a table");
        for row in &rows {
            writer.row(row).expect("a row");
        }
        assert_eq!(writer.end_table().expect("its end"), 7);
        let needed = Needed { bucket: "videos".into(), path: "uploads/a".into(), bytes: Some(3), sha256: None };
        writer.objects(std::slice::from_ref(&needed)).expect("objects");
        let (end, file) = writer.finish().expect("finished");
        assert_eq!((end.tables, end.rows, end.objects), (1, 7, 1));

        let (mut reader, told) = Reader::open(&file[..], None).expect("open");
        assert_eq!(told, manifest());
        assert!(matches!(reader.next(), Ok(Record::Table(found)) if found == table()));
        let mut bytes = Vec::new();
        let whole = loop {
            match reader.next().expect("a record") {
                Record::Rows(piece) => bytes.extend(piece),
                Record::TableEnds(whole) => break whole,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((bytes, whole.rows), (rows.concat(), 7));
        assert!(matches!(reader.next(), Ok(Record::Objects(found)) if found == [needed]));
        assert!(matches!(reader.next(), Ok(Record::End(found)) if found == end));
    }

    /// A file whose outside is right may still have been put together by somebody.
    #[test]
    fn a_table_that_is_not_what_it_says_is_refused() {
        let mut writer = Writer::begin(Vec::new(), None, &manifest()).expect("begun");
        writer.table(&table()).expect("a table");
        writer.row(b"one\n").expect("a row");
        writer.record(b'D', b"another\n").expect("what nobody counts");
        writer.end_table().expect("its end");
        let (_, file) = writer.finish().expect("finished");
        let (mut reader, _) = Reader::open(&file[..], None).expect("open");
        let fault = std::iter::repeat_with(|| reader.next()).find_map(Result::err).expect("a fault");
        assert!(matches!(fault, Fault::Damaged(_)), "{fault}");
    }
}
