//! What a client sends behind the handshake of a WebSocket.

use std::sync::LazyLock;

use neopro_central::live::frames::{End, Incoming, Said};

use crate::memory;

/// That of strangers, and one that frames of the corpus exceed.
const LIMITS: [usize; 2] = [64 * 1024, 100];

/// The buffer, which grows by doubling and copying, a message taken out of it, and the beginning of the next.
const FACTOR: usize = 8;

/// A message that is long enough for its buffer to become the message.
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| frame(TEXT, &[b'x'; 16 * 1024 + 1]));

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;

/// The same is heard however the bytes are cut into pieces; nothing above the limit is; what is heard can be said
/// again; memory is bounded by what has come.
pub fn read(bytes: &[u8]) {
    for limit in LIMITS {
        memory::within(FACTOR * bytes.len(), || hear([bytes], limit, |_| {}));
        let heard = all(hear_all([bytes], limit), limit);
        assert_eq!(heard, hear_all(bytes.chunks(1), limit), "byte by byte");
        let again: Vec<u8> = heard.iter().flatten().flat_map(say).collect();
        let mut said = hear_all([again.as_slice()], limit);
        said.extend(heard.last().filter(|last| last.is_err()).map(|_| Err(End)));
        assert_eq!(heard, said, "said again");
    }
    let before_large = [bytes, &LARGE].concat();
    assert_eq!(hear_all([before_large.as_slice()], LIMITS[0]), hear_all(Uneven(&before_large), LIMITS[0]), "in pieces");
}

/// Behind a message, a ping that says something.
pub fn planted(bytes: &[u8]) -> bool {
    let (mut greeted, mut found) = (false, false);
    hear([bytes], LIMITS[0], |said| match said {
        Ok(Said::Text(_)) => greeted = true,
        Ok(Said::Ping(payload)) => found |= greeted && !payload.is_empty(),
        Err(End) => {}
    });
    found
}

type Heard = Vec<Result<Said, End>>;

fn hear_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Heard {
    let mut heard = Vec::new();
    hear(pieces, limit, |one| heard.push(one));
    heard
}

/// As the server hears: what is understood leaves before more comes in.
fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize, mut told: impl FnMut(Result<Said, End>)) {
    let mut incoming = Incoming::default();
    for piece in pieces {
        incoming.add(piece);
        loop {
            match incoming.next(limit) {
                Ok(Some(said)) => told(Ok(said)),
                Ok(None) => break,
                Err(End) => return told(Err(End)),
            }
        }
        incoming.tidy();
    }
}

fn all(heard: Heard, limit: usize) -> Heard {
    for said in heard.iter().flatten() {
        match said {
            Said::Text(text) => assert!(text.len() <= limit, "{} bytes of {limit}", text.len()),
            Said::Ping(payload) => assert!(payload.len() <= 125),
        }
    }
    heard
}

/// The frame by which a client says the same.
fn say(said: &Said) -> Vec<u8> {
    match said {
        Said::Text(text) => frame(TEXT, text.as_bytes()),
        Said::Ping(payload) => frame(PING, payload),
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(0x80 | length),
        (_, Ok(length)) => frame.extend([&[0x80 | 126], length.to_be_bytes().as_slice()].concat()),
        _ => frame.extend([&[0x80 | 127], (payload.len() as u64).to_be_bytes().as_slice()].concat()),
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Pieces as long as their own first byte says.
struct Uneven<'a>(&'a [u8]);

impl<'a> Iterator for Uneven<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(*self.0.first()?) + 1;
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(piece)
    }
}
