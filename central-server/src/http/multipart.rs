//! `multipart/form-data` (RFC 7578), part by part as it arrives, in a fixed amount of memory.
//!
//! A reader of our own: the one that axum has (multer 3.1) keeps what comes before the first boundary and the head of
//! a part in memory, without a limit, and searches it from its beginning at every piece (ADR 0009).

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem;
use percent_encoding::percent_decode_str;

use crate::error::Error;

/// How long the next piece of a body may take.
const IDLE: Duration = Duration::from_secs(20);
/// The most parts of a form.
const MOST_PARTS: usize = 100;
/// The longest head of a part.
const LONGEST_HEAD: usize = 8 * 1024;
/// The longest text field.
const LONGEST_TEXT: usize = 16 * 1024;
/// What may stand before the first part. Nothing does, from the clients that we know.
const LONGEST_PREAMBLE: usize = 1024;
/// What the fields, heads and boundaries of a form may add to its files.
const OVERHEAD: u64 = 1024 * 1024;

const BROKEN: Error = Error::Unreadable("Le formulaire envoyé est incomplet ou mal formé.");

/// A form that is being read.
#[derive(Debug)]
pub struct Multipart {
    body: Body,
    limit: u64,
    /// What of the announced length has not arrived.
    left: u64,
    /// Line break, two hyphens, boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    place: Place,
    parts: usize,
}

/// Where the beginning of the buffer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Within the content of a part, or before the first.
    Content,
    /// Right behind a delimiter.
    Delimiter,
    /// Behind the last one.
    End,
}

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// How the sender's computer calls the file. It may hold anything.
    pub file_name: Option<String>,
}

impl Multipart {
    /// Begins to read a form with at most `limit` bytes of files. Nothing of the body is read yet.
    ///
    /// # Errors
    /// 415 if it is no such form, 411 without an announced length, 413 if that is above the limit.
    pub fn open(request: Request, limit: u64) -> Result<Self, Error> {
        let boundary = boundary(request.headers()).ok_or(Error::NotMultipart)?;
        let length =
            request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let left: u64 = length.ok_or(Error::LengthRequired)?;
        if left > limit.saturating_add(OVERHEAD) {
            return Err(Error::TooLarge(limit));
        }
        Ok(Self {
            body: request.into_body(),
            limit,
            left,
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // Every delimiter begins with a line break; that of the first is often left out.
            buffer: BytesMut::from(&b"\r\n"[..]),
            place: Place::Content,
            parts: 0,
        })
    }

    /// How many bytes are still to come, by the sender's own words.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The next part; what of the one before was not read is skipped. `None` at the end.
    ///
    /// # Errors
    /// 400 for a form that cannot be read, 408 if it stands still, 413 if it is longer than announced.
    pub async fn next_part(&mut self) -> Result<Option<Part>, Error> {
        let mut skipped = 0;
        while let Some(bytes) = self.chunk().await? {
            skipped += bytes.len();
            if self.parts == 0 && skipped > LONGEST_PREAMBLE {
                return Err(BROKEN);
            }
        }
        if self.place == Place::End {
            return Ok(None);
        }
        let head = self.head().await?;
        let Some(head) = head else {
            self.place = Place::End;
            // Whoever is answered before the end of his body may never read the answer.
            while self.fill().await? {
                self.buffer.clear();
            }
            return Ok(None);
        };
        self.place = Place::Content;
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Error::Unreadable("Le formulaire envoyé a trop de champs."));
        }
        part(&head).map(Some).ok_or(BROKEN)
    }

    /// The next piece of the part's content; `None` at its end.
    ///
    /// # Errors
    /// As [`Self::next_part`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.place != Place::Content {
            return Ok(None);
        }
        loop {
            let sure = match memmem::find(&self.buffer, &self.delimiter) {
                Some(0) => {
                    self.buffer.advance(self.delimiter.len());
                    self.place = Place::Delimiter;
                    return Ok(None);
                }
                Some(end) => end,
                // The last bytes may be the beginning of a delimiter.
                None => (self.buffer.len() + 1).saturating_sub(self.delimiter.len()),
            };
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            if !self.fill().await? {
                return Err(BROKEN);
            }
        }
    }

    /// Reads the part to its end and forgets it.
    ///
    /// # Errors
    /// As [`Self::next_part`].
    pub async fn skip(&mut self) -> Result<(), Error> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }

    /// The content of a text field.
    ///
    /// # Errors
    /// As [`Self::next_part`]; 400 that names the field if it is long, or no text.
    pub async fn text(&mut self, field: &str) -> Result<String, Error> {
        let mut text = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            if text.len() + bytes.len() > LONGEST_TEXT {
                return Err(Error::field(field, "Ce texte est trop long."));
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text.into()).map_err(|_| Error::field(field, "Un texte en UTF-8 est attendu."))
    }

    /// What stands between a delimiter and the content, its last line break included; `None` behind the last part.
    async fn head(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.buffer.starts_with(b"--") {
                return Ok(None);
            }
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                return Ok(Some(self.buffer.split_to(end + 4).freeze()));
            }
            if self.buffer.len() > LONGEST_HEAD || !self.fill().await? {
                return Err(BROKEN);
            }
        }
    }

    /// Waits for more of the body; whether there was more.
    async fn fill(&mut self) -> Result<bool, Error> {
        loop {
            let frame = tokio::time::timeout(IDLE, self.body.frame()).await.map_err(|_| Error::SlowBody)?;
            let Some(frame) = frame else { return Ok(false) };
            let frame = frame.map_err(|_| Error::Unreadable("Le corps de la requête s'est interrompu."))?;
            let Ok(bytes) = frame.into_data() else { continue };
            self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Error::TooLarge(self.limit))?;
            self.buffer.extend_from_slice(&bytes);
            if !bytes.is_empty() {
                return Ok(true);
            }
        }
    }
}

/// The boundary of a form that the headers announce.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (media, rest) = value.split_once(';')?;
    let boundary = parameters(rest).into_iter().find(|(name, _)| name == "boundary")?.1;
    // RFC 2046 allows 70 characters.
    let fits = media.trim().eq_ignore_ascii_case("multipart/form-data") && (1..=70).contains(&boundary.len());
    fits.then_some(boundary)
}

/// Reads the head of a part. It begins with the rest of the delimiter's line.
fn part(head: &[u8]) -> Option<Part> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let rest = lines.next()?;
    if !rest.trim_matches([' ', '\t']).is_empty() {
        return None;
    }
    let disposition = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (kind, rest) = disposition.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let parameters = parameters(rest);
    let value = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    // `filename*` is not for forms (RFC 7578, 4.2), but Python's clients sent it for years.
    let extended = || {
        let encoded = value("filename*")?;
        let (_, text) = encoded.split_once("''")?;
        Some(percent_decode_str(text).decode_utf8_lossy().into_owned())
    };
    Some(Part { name: value("name")?, file_name: value("filename").or_else(extended) })
}

/// The parameters of a header's value: names in small letters, values without their quotes.
fn parameters(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.trim_start();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => quoted(rest),
            None => {
                let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
                (value.trim().to_owned(), rest)
            }
        };
        found.push((name.trim_matches([' ', '\t', ';']).to_ascii_lowercase(), value));
        text = rest;
    }
    found
}

/// A quoted value and what stands behind it. A backslash hides a quote or another backslash; before anything else it
/// is part of a path of Windows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => {
                let hidden = chars.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(hidden.map_or('\\', |(_, next)| next));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<(String, Option<String>, Vec<u8>)>;

    const FORM: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\xc3\x89lan\r\n\
        --x\r\ncontent-type: video/mp4\r\ncontent-disposition: form-data; name=\"video\"; filename=\"a.mp4\"\r\n\r\n\
        \r\n--y\r\n-\r\n--\r\n\r\n--x \t\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--x--\r\nepilogue";

    fn request(body: Body, length: Option<usize>) -> Request {
        let mut request = Request::new(body);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().expect("a value"));
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        request
    }

    /// Reads a form that arrives in pieces of this size.
    async fn read(form: &[u8], size: usize) -> Result<Read, Error> {
        let pieces: Vec<_> = form.chunks(size).map(|piece| Ok::<_, Error>(Bytes::copy_from_slice(piece))).collect();
        let body = Body::from_stream(futures_util::stream::iter(
            pieces.into_iter().map(|piece| piece.map_err(|_| std::io::Error::other("never"))),
        ));
        let mut form = Multipart::open(request(body, Some(form.len())), 1_000_000)?;
        let mut parts = Vec::new();
        while let Some(part) = form.next_part().await? {
            let mut content = Vec::new();
            while let Some(bytes) = form.chunk().await? {
                assert!(!bytes.is_empty());
                content.extend_from_slice(&bytes);
            }
            parts.push((part.name, part.file_name, content));
        }
        Ok(parts)
    }

    #[tokio::test]
    async fn a_form_is_read_the_same_however_it_is_cut() {
        for size in 1..FORM.len() {
            let parts = read(FORM, size).await.expect("a good form");
            let expected: Read = vec![
                ("title".into(), None, "Élan".into()),
                ("video".into(), Some("a.mp4".into()), b"\r\n--y\r\n-\r\n--\r\n".to_vec()),
                ("empty".into(), None, Vec::new()),
            ];
            assert_eq!(parts, expected, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_anywhere_is_refused() {
        let end = FORM.len() - "--\r\nepilogue".len();
        for length in 0..=end {
            assert!(matches!(read(&FORM[..length], 7).await, Err(Error::Unreadable(_))), "after {length} bytes");
        }
    }

    #[tokio::test]
    async fn what_has_no_end_is_refused_before_it_fills_the_memory() {
        let preamble = vec![b'a'; 100_000];
        let head = [&b"--x\r\nContent-Disposition: form-data; name=\"a\"; x=\""[..], &preamble].concat();
        let many = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(10_000);
        for form in [preamble, head, many] {
            assert!(matches!(read(&form, 1_000).await, Err(Error::Unreadable(_))));
        }
        for form in
            ["--xy\r\n\r\n\r\n--x--", "--x\r\n\r\n\r\n--x--", "--x\r\nContent-Disposition: a; name=b\r\n\r\n\r\n--x--"]
        {
            assert!(matches!(read(form.as_bytes(), 3).await, Err(Error::Unreadable(_))), "{form}");
        }
        assert!(read(b"--x--", 1).await.expect("an empty form").is_empty());
    }

    #[tokio::test]
    async fn the_length_is_announced_and_kept() {
        let open = |length| Multipart::open(request(Body::from(FORM), length), 10);
        assert!(matches!(open(None), Err(Error::LengthRequired)));
        assert!(matches!(open(Some(2_000_000)), Err(Error::TooLarge(10))));
        let mut lie = open(Some(30)).expect("announced as small");
        assert!(matches!(lie.next_part().await, Err(Error::TooLarge(10))));
    }

    #[test]
    fn heads() {
        let read = |disposition: &str| {
            let head = format!("\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
            part(head.as_bytes()).map(|part| (part.name, part.file_name.unwrap_or_default()))
        };
        for (disposition, name, file_name) in [
            (r#"name="video"; filename="été 1.mp4""#, "video", "été 1.mp4"),
            (r#"filename="a;name=b.mp4"; name="video""#, "video", "a;name=b.mp4"),
            (r#"name="v\"w"; filename="C:\dir\a\\b.mp4""#, "v\"w", r"C:\dir\a\b.mp4"),
            (r#"NAME=video;filename=a.mp4"#, "video", "a.mp4"),
            (r#"name="video"; filename*=UTF-8''%C3%A9t%C3%A9.mp4"#, "video", "été.mp4"),
            (r#"name="video"; filename="unclosed"#, "video", "unclosed"),
            (r#"name="""#, "", ""),
        ] {
            assert_eq!(read(disposition), Some((name.into(), file_name.into())), "{disposition}");
        }
        for nameless in ["", "filename=a", "name", ";;;", "=\"\""] {
            assert_eq!(read(nameless), None, "{nameless}");
        }
    }

    #[test]
    fn boundaries() {
        let of = |value: &'static str| {
            boundary(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().expect("a value"))]))
        };
        assert_eq!(of("multipart/form-data; boundary=----WebKitX").as_deref(), Some("----WebKitX"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"").as_deref(), Some("a b"));
        for none in
            ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "text/plain"]
        {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
