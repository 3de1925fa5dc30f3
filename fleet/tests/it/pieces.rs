//! A large file over a line that is cut: a real browser, a real server, and a ledger of what the storage was given. The
//! control is a storage that takes a file only as a whole.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::dashboard::browse;
use crate::harness::{Central, EMAIL, PASSWORD, root};
use crate::outside::video_of;
use crate::supabase::{PIECE, SECRET_KEY, Supabase, Written};
use crate::tv::ALONE;

/// How long nothing gets through after a cut: longer than the first pause of the dashboard.
const DOWN: Duration = Duration::from_millis(1_500);

/// A line to a port, which can be cut.
#[derive(Clone)]
struct Line {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Bytes that have gone up since it was last set.
    up: u64,
    /// After so many it is cut, once.
    cut_after: Option<u64>,
    down_until: Option<Instant>,
    open: Vec<TcpStream>,
}

impl State {
    fn note(&mut self, bytes: u64) {
        self.up += bytes;
        if self.cut_after.is_some_and(|most| self.up >= most) {
            self.cut_after = None;
            self.down_until = Some(Instant::now() + DOWN);
            for stream in self.open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Line {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let line = Self { port: listener.local_addr().expect("an address").port(), state: Arc::default() };
        let own = line.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if own.state().down_until.is_some_and(|until| Instant::now() < until) {
                    continue;
                }
                own.carry(&near, &TcpStream::connect(("127.0.0.1", port)).expect("the storage"));
            }
        });
        line
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, near: &TcpStream, far: &TcpStream) {
        let again = |stream: &TcpStream| stream.try_clone().expect("the same connection");
        self.state().open.extend([again(near), again(far)]);
        for (mut from, mut to, is_up) in [(again(near), again(far), true), (again(far), again(near), false)] {
            let line = self.clone();
            std::thread::spawn(move || {
                let mut piece = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = from.read(&mut piece) {
                    if to.write_all(&piece[..read]).is_err() {
                        break;
                    }
                    if is_up {
                        line.state().note(read as u64);
                    }
                }
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
    }

    fn cut_after(&self, bytes: u64) {
        let mut state = self.state();
        (state.up, state.cut_after, state.down_until) = (0, Some(bytes), None);
    }
}

struct World {
    central: Central,
    supabase: Supabase,
    line: Line,
    _runtime: tokio::runtime::Runtime,
}

/// What a storage was given of one file.
struct Ledger {
    size: u64,
    up: u64,
    written: Vec<Written>,
}

impl World {
    fn start(name: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let supabase = runtime.block_on(Supabase::start());
        let line = Line::to(supabase.port);
        let url = format!("http://127.0.0.1:{}", line.port);
        let variables = [("SUPABASE_URL", url.as_str()), ("SUPABASE_SERVICE_KEY", SECRET_KEY)];
        Self { central: Central::start_with(name, &variables), supabase, line, _runtime: runtime }
    }

    /// Has a browser send a video with so many bytes of content, over a line that is cut after so many bytes.
    fn send(&self, content: usize, cut_after: u64, reload: bool, said: &str) -> Ledger {
        let (bytes, name) = (video_of(content), format!("Finale {content}.mp4"));
        let file = self.central.folder.join(&name);
        std::fs::write(&file, &bytes).expect("a file");
        self.supabase.book().written.clear();
        self.line.cut_after(cut_after);
        let seen = browse(
            "resume.mjs",
            &json!({
                "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", self.central.port),
                "email": EMAIL, "password": PASSWORD, "file": file, "reload": reload, "said": said,
                "folder": root().join("target/resume"),
            }),
        );
        assert_eq!(seen["left"], json!([]), "nothing is kept of a file that is there");
        let library = self.central.get("/api/videos?page=1&limit=50");
        let made = library["data"].as_array().and_then(|all| all.iter().find(|video| video["original_name"] == name));
        let made = made.unwrap_or_else(|| panic!("the video: {library}"));
        let url = made["public_url"].as_str().expect("a URL");
        let path = url.split_once("/public/videos/").expect("below the bucket").1.to_owned();
        assert!(self.supabase.object("videos", &path).bytes == bytes, "it arrived as it was");
        let written = std::mem::take(&mut self.supabase.book().written);
        Ledger { size: bytes.len() as u64, up: self.line.state().up, written }
    }
}

#[test]
fn a_large_file_goes_on_where_the_storage_is_after_a_cut_and_after_a_reload_and_no_byte_goes_twice() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::start("pieces");
    let goes_on = r"La connexion a coupé à \d+\s%. L’envoi reprendra là où le stockage en est";
    let begun = |world: &World| {
        let count = |line: &str| world.supabase.seen(line).len();
        (count("POST /storage/v1/object/upload/sign/"), count("POST /storage/v1/upload/resumable/sign"))
    };
    for (number, (content, reload)) in [(20_000_000, false), (21_000_000, true)].into_iter().enumerate() {
        let Ledger { size, up, written } = world.send(content, 10_000_000, reload, goes_on);
        assert_eq!(begun(&world), (number + 1, number + 1), "one address and one upload, whatever happened");
        let mut next = 0;
        for piece in &written {
            assert_eq!(piece.from, next, "each request begins where the storage is: {written:?}");
            next = piece.from + piece.bytes;
        }
        assert_eq!(next, size, "{written:?}");
        assert!(written.iter().any(|piece| piece.from % PIECE as u64 != 0), "it was cut within a piece: {written:?}");
        println!("{size} bytes over a line cut at 10 MB, reload {reload}: {up} bytes went over it");
        assert!(up < size + 500_000, "{up} bytes for a file of {size}");
    }
    // A storage that keeps nothing of a piece that was cut gets that piece again, and no other.
    world.supabase.set(|mood| mood.drops_cut_pieces = true);
    let Ledger { size, written, .. } = world.send(22_000_000, 10_000_000, false, goes_on);
    let cut = written.iter().find(|piece| piece.bytes < PIECE as u64).expect("the piece that was cut");
    assert_eq!(written.iter().filter(|piece| piece.from == cut.from).count(), 2, "{written:?}");
    assert_eq!(written.iter().map(|piece| piece.bytes).sum::<u64>(), size + cut.bytes, "{written:?}");
    // The control: where a file goes only as a whole, all of it goes again.
    world.supabase.set(|mood| mood.no_pieces = true);
    let whole = r"La connexion a coupé à \d+\s%. Le fichier repartira du début";
    let Ledger { size, up, written } = world.send(23_000_000, 10_000_000, false, whole);
    assert!(written.len() >= 2 && written.iter().all(|piece| piece.from == 0), "{written:?}");
    println!("the control: {up} bytes went over the line for a file of {size}");
    assert!(up > size + 9_000_000, "{up} bytes for a file of {size}");
}
