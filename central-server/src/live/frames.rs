//! The frames of a WebSocket (RFC 6455): what has come of them, and what is said in them.
//!
//! What a frame announces is refused by its head when the client may not send so much, and is never allocated before it
//! has come. Nothing here knows of a connection, so that any bytes can be tried on it.

use super::large::LONG;

/// From how many bytes on a message is not copied out of what has come.
const LARGE_PAYLOAD: usize = 16 * 1024;

const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A message.
    Text(String),
    /// A ping of the WebSocket itself, to be answered with the same bytes.
    Ping(Vec<u8>),
}

/// A frame of the server's: whole, unmasked.
pub(super) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    frame.push(0x80 | kind);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// The client closes, or what it sends cannot be understood: nothing that follows can be.
#[derive(Debug, PartialEq, Eq)]
pub struct End;

/// What has come and is not understood yet.
#[derive(Debug, Default)]
pub struct Incoming {
    received: Vec<u8>,
    /// How many bytes of `received` are done with.
    done: usize,
    /// The beginning of a message that comes in several frames.
    begun: Option<Vec<u8>>,
    /// How many frames were read since that was last asked.
    pub(super) frames: u32,
}

/// The head of a frame.
struct Head {
    last: bool,
    kind: u8,
    mask: [u8; 4],
    /// Where the payload begins, counted from the head.
    start: usize,
    length: usize,
}

impl Incoming {
    /// What has come already.
    pub(super) fn of(received: Vec<u8>) -> Self {
        Self { received, ..Self::default() }
    }

    /// Adds what has come.
    pub fn add(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next thing said among what has come; `None` when more has to come first.
    ///
    /// # Errors
    /// [`End`]: nothing is to be read behind it. Also if a message is longer than `limit`.
    pub fn next(&mut self, limit: usize) -> Result<Option<Said>, End> {
        loop {
            let waiting = &self.received[self.done..];
            let room = limit.saturating_sub(self.begun.as_ref().map_or(0, Vec::len));
            let Some(head) = read_head(waiting, room)? else { return Ok(None) };
            if waiting.len() < head.start + head.length {
                return Ok(None);
            }
            self.frames += 1;
            let payload = self.take(&head);
            match (head.kind, self.begun.take()) {
                (TEXT, None) if head.last => return text(payload),
                (TEXT, None) => self.begun = Some(payload),
                (CONTINUATION, Some(mut message)) => {
                    message.extend_from_slice(&payload);
                    if head.last {
                        return text(message);
                    }
                    self.begun = Some(message);
                }
                (PING, begun) => {
                    self.begun = begun;
                    return Ok(Some(Said::Ping(payload)));
                }
                (PONG, begun) => self.begun = begun,
                // A close, a binary frame, a message within another one, a continuation of none.
                _ => return Err(End),
            }
        }
    }

    /// Whether what is on its way is long.
    pub(super) fn is_long(&self) -> bool {
        let begun = self.begun.as_ref().map_or(0, Vec::len);
        let next = read_head(&self.received[self.done..], usize::MAX).ok().flatten().map_or(0, |head| head.length);
        begun.saturating_add(next) > LONG
    }

    /// Takes a payload that has come whole, unmasked.
    fn take(&mut self, head: &Head) -> Vec<u8> {
        let start = self.done + head.start;
        let end = start + head.length;
        let mut payload = if end == self.received.len() && head.length > LARGE_PAYLOAD {
            // A large message is not copied: the buffer itself becomes it.
            let mut whole = std::mem::take(&mut self.received);
            whole.drain(..start);
            self.done = 0;
            whole
        } else {
            self.done = end;
            self.received[start..end].to_vec()
        };
        unmask(&mut payload, head.mask);
        payload
    }

    /// Gives back the memory of what is done with, before the next wait.
    pub fn tidy(&mut self) {
        if self.done == self.received.len() {
            self.received = Vec::new();
        } else {
            self.received.drain(..self.done);
        }
        self.done = 0;
    }
}

/// Takes the mask off, sixteen bytes at a time: with a large message the thread is kept from others.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let four = u128::from(u32::from_ne_bytes(mask));
    let wide = four | four << 32 | four << 64 | four << 96;
    let (chunks, rest) = payload.as_chunks_mut::<16>();
    for chunk in chunks {
        *chunk = (u128::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Reads a frame's head; `None` if it has not come whole. A payload above `room` is refused before it comes.
fn read_head(bytes: &[u8], room: usize) -> Result<Option<Head>, End> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (last, kind) = (first & 0x80 != 0, first & 0x0f);
    // No extension was agreed on, and clients mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(End);
    }
    let (length, width) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 0),
    };
    let fits = match kind {
        TEXT | CONTINUATION => usize::try_from(length).is_ok_and(|length| length <= room),
        CLOSE | PING | PONG => last && length <= 125,
        _ => false,
    };
    let (true, Ok(length)) = (fits, usize::try_from(length)) else { return Err(End) };
    match rest.get(width..width + 4) {
        Some(&[a, b, c, d]) => Ok(Some(Head { last, kind, mask: [a, b, c, d], start: 2 + width + 4, length })),
        _ => Ok(None),
    }
}

fn text(bytes: Vec<u8>) -> Result<Option<Said>, End> {
    String::from_utf8(bytes).map(|text| Some(Said::Text(text))).map_err(|_| End)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = frame(0, payload);
        let head = bytes.len() - payload.len();
        bytes[0] = first;
        bytes[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        let scrambled = payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]);
        let tail: Vec<u8> = mask.into_iter().chain(scrambled).collect();
        bytes.truncate(head);
        bytes.extend_from_slice(&tail);
        bytes
    }

    fn said(text: &str) -> Result<Option<Said>, End> {
        Ok(Some(Said::Text(text.to_owned())))
    }

    fn whole(bytes: &[u8]) -> Incoming {
        Incoming::of(bytes.to_vec())
    }

    #[test]
    fn messages_are_read_byte_by_byte_and_at_once_alike() {
        let long = "é".repeat(40_000);
        let middle = "x".repeat(300);
        let mut bytes = Vec::new();
        for text in ["", "40", middle.as_str(), long.as_str()] {
            bytes.extend(masked(0x81, text.as_bytes()));
        }
        bytes.extend(masked(0x89, b"here?"));
        bytes.extend(masked(0x8a, b"unasked"));
        bytes.extend(
            [masked(0x01, b"in "), masked(0x89, b""), masked(0x00, b"three "), masked(0x80, b"parts")].concat(),
        );
        let expected = [
            said(""),
            said("40"),
            said(&middle),
            said(&long),
            Ok(Some(Said::Ping(b"here?".to_vec()))),
            Ok(Some(Said::Ping(Vec::new()))),
            said("in three parts"),
            Ok(None),
        ];
        let mut at_once = whole(&bytes);
        for expected in &expected {
            assert_eq!(&at_once.next(100_000), expected);
        }
        let mut slowly = Incoming::default();
        let mut heard = Vec::new();
        for byte in bytes {
            slowly.received.push(byte);
            while let Some(one) = slowly.next(100_000).expect("well formed") {
                heard.push(Ok(Some(one)));
            }
            slowly.tidy();
        }
        assert_eq!(heard, expected[..expected.len() - 1]);
        assert_eq!((slowly.received.capacity(), slowly.begun), (0, None), "nothing is kept while nothing comes");
    }

    #[test]
    fn what_is_too_long_is_refused_by_its_head() {
        assert_eq!(whole(&masked(0x81, &[b'x'; 100])).next(100), said(&"x".repeat(100)));
        assert_eq!(whole(&masked(0x81, &[b'x'; 101])[..1]).next(100), Ok(None), "its length is still to come");
        assert_eq!(whole(&masked(0x81, &[b'x'; 101])[..2]).next(100), Err(End));
        assert_eq!(whole(&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).next(100), Err(End));
        let parts = [masked(0x01, &[b'x'; 60]), masked(0x00, &[b'x'; 40]), masked(0x00, b"x")].concat();
        assert_eq!(whole(&parts).next(100), Err(End), "parts count together");
        let endless = [masked(0x01, b""), masked(0x00, b"").repeat(10_000)].concat();
        let mut endless = whole(&endless);
        assert_eq!(endless.next(100), Ok(None));
        assert_eq!(endless.begun.as_ref().map(Vec::capacity), Some(0), "empty parts cost nothing");
    }

    #[test]
    fn what_no_client_of_ours_sends_ends_it() {
        let unmasked = frame(TEXT, b"40");
        for (bytes, what) in [
            (unmasked, "no mask"),
            (masked(0x82, b"40"), "binary"),
            (masked(0xc1, b"40"), "an extension"),
            (masked(0x83, b"40"), "an unknown kind"),
            (masked(0x80, b"40"), "a continuation of nothing"),
            ([masked(0x01, b"4"), masked(0x81, b"0")].concat(), "a message within another"),
            (masked(0x09, b"40"), "a ping in parts"),
            (masked(0x89, &[0; 126]), "a long ping"),
            (masked(0x88, b""), "a close"),
            (masked(0x81, &[0xff, 0xfe]), "no text"),
        ] {
            assert_eq!(whole(&bytes).next(1000), Err(End), "{what}");
        }
    }
}
