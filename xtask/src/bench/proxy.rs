//! A proxy in front of PostgreSQL that counts round trips, and can put the database far away.
//!
//! A round trip is a question, of as many parts as it likes, and the first answer behind it: what a client far
//! away would wait for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Counts {
    round_trips: AtomicU32,
    connections: AtomicU32,
    asked_bytes: AtomicU64,
    answered_bytes: AtomicU64,
}

/// Listens until the program ends.
pub struct Proxy {
    port: u16,
    counts: Arc<Counts>,
}

impl Proxy {
    /// Passes everything on to a port of this machine, each way after a delay.
    pub fn start(to: u16, delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                // A connection that cannot be passed on is closed, which its client reports.
                let _ = pass(client, to, delay, &shared);
            }
        });
        Ok(Self { port, counts })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn round_trips(&self) -> u32 {
        self.counts.round_trips.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> u32 {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// Bytes that have gone to whom it is in front of, and that have come from there, since the beginning.
    pub fn bytes(&self) -> (u64, u64) {
        (self.counts.asked_bytes.load(Ordering::SeqCst), self.counts.answered_bytes.load(Ordering::SeqCst))
    }

    pub fn reset(&self) {
        self.counts.round_trips.store(0, Ordering::SeqCst);
        self.counts.connections.store(0, Ordering::SeqCst);
    }
}

fn pass(client: TcpStream, to: u16, delay: Duration, counts: &Arc<Counts>) -> std::io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (questions, answers) = ((client.try_clone()?, server.try_clone()?), (server, client));
    let asked = Arc::new(AtomicBool::new(false));
    let (asking, answering) = (Arc::clone(&asked), asked);
    let (of_questions, counts) = (Arc::clone(counts), Arc::clone(counts));
    std::thread::spawn(move || {
        copy(questions, delay, |bytes| {
            of_questions.asked_bytes.fetch_add(bytes, Ordering::SeqCst);
            asking.store(true, Ordering::SeqCst);
        });
    });
    std::thread::spawn(move || {
        copy(answers, delay, |bytes| {
            counts.answered_bytes.fetch_add(bytes, Ordering::SeqCst);
            if answering.swap(false, Ordering::SeqCst) {
                counts.round_trips.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    Ok(())
}

/// Copies until one side closes, and says so, with its length, when a piece has come. Each piece leaves when its own delay is over: as on
/// a long line, those behind it do not wait for it.
fn copy((mut from, mut to): (TcpStream, TcpStream), delay: Duration, when_it_comes: impl Fn(u64)) {
    let (line, end) = mpsc::channel::<(Instant, Vec<u8>)>();
    let arriving = std::thread::spawn(move || {
        for (due, piece) in end {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        when_it_comes(length as u64);
        if line.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
    drop(line);
    let _ = from.shutdown(Shutdown::Read);
    let _ = arriving.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_with_their_answers_are_counted() -> std::io::Result<()> {
        // Answers each line that ends in a full stop with two pieces.
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Proxy::start(server.local_addr()?.port(), Duration::from_millis(100))?;
        std::thread::spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = server.accept()?;
            let mut byte = [0];
            while stream.read(&mut byte)? == 1 {
                if byte == *b"." {
                    stream.write_all(b"a")?;
                    stream.write_all(b"b")?;
                }
            }
            Ok(())
        });
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()))?;
        let mut answer = [0; 2];
        for question in ["one.", "two."] {
            let began = Instant::now();
            for piece in question.bytes() {
                client.write_all(&[piece])?;
            }
            client.read_exact(&mut answer)?;
            let took = began.elapsed();
            // Pieces that waited for each other would take six times the delay, and more.
            assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(500), "once each way: {took:?}");
        }
        assert_eq!((proxy.connections(), proxy.round_trips()), (1, 2));
        assert_eq!(proxy.bytes(), (8, 4));
        proxy.reset();
        assert_eq!((proxy.connections(), proxy.round_trips()), (0, 0));
        Ok(())
    }
}
