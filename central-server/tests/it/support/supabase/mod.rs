//! A stand-in for Supabase Storage: a real HTTP server that keeps to the public contract, gateway included. It shares
//! nothing with the client, and can be put into the states in which an installation meets it.

mod answers;
mod refusals;
mod tus;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;

pub use refusals::Refusal;
pub use tus::{Coming, PIECE};

/// The newer form of the service key that it knows.
pub const SECRET_KEY: &str = "sb_secret_for_tests";

/// Free plans: what one object may have, as self-hosted servers are set up.
pub const FIFTY_MB: u64 = 52_428_800;

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub public: bool,
    pub file_size_limit: Option<u64>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    pub bytes: Bytes,
    pub media_type: String,
    pub cache_control: String,
}

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub struct Mood {
    /// Nobody reads what is public.
    pub reads_refused: bool,
    /// A policy keeps everybody from writing.
    pub writes_refused: bool,
    /// A policy lets everybody write.
    pub open: bool,
    /// No bucket can be made.
    pub buckets_refused: bool,
    /// The most bytes of one object, project-wide; `None` is no limit.
    pub most: Option<u64>,
    /// The plan is used up: nothing is answered but that.
    pub quota_full: bool,
    /// The project sleeps.
    pub paused: bool,
    /// Every answer takes so long.
    pub slow: Duration,
    /// The gateway is there, and nothing behind it.
    pub down: bool,
    /// So many of the next uploads are stored, and their answers lost on the way.
    pub lost_answers: u32,
    /// So many of the next new objects meet a name that is taken.
    pub name_clashes: u32,
    /// So many bytes a second go to each reader.
    pub pace: Option<usize>,
    /// What is stored is not what was sent.
    pub damages: bool,
    /// It knows nothing of uploads in pieces.
    pub no_pieces: bool,
    /// What came of a piece whose line was cut is not kept.
    pub drops_cut_pieces: bool,
    /// What was signed has expired.
    pub tokens_expired: bool,
}

/// A request that it has seen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub line: String,
    pub range: Option<String>,
    pub content_length: Option<u64>,
    pub upsert: bool,
    pub bearer: bool,
    pub status: u16,
}

/// Bytes of an object that have come in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    /// Where in the object they begin.
    pub from: u64,
    pub bytes: u64,
}

#[derive(Debug, Default)]
pub struct Book {
    pub buckets: BTreeMap<String, Bucket>,
    /// By bucket and path.
    pub objects: BTreeMap<(String, String), Object>,
    /// What browsers have written, request by request.
    pub written: Vec<Written>,
    /// What comes piece by piece, by the end of its address.
    pub coming: BTreeMap<String, Coming>,
    /// The tokens of signed addresses: for which object.
    tokens: HashMap<String, (String, String)>,
    pub mood: Mood,
    pub seen: Vec<Seen>,
}

/// The stand-in. It ends with the test.
#[derive(Debug, Clone)]
pub struct Supabase {
    book: Arc<Mutex<Book>>,
    pub port: u16,
}

impl Supabase {
    /// A project with both buckets, as the guide's step 3 leaves it, and no limit.
    pub async fn start() -> Self {
        let supabase = Self::empty().await;
        for name in ["videos", "software-updates"] {
            supabase.book().buckets.insert(name.into(), Bucket { public: true, file_size_limit: None });
        }
        supabase
    }

    /// A project in which nobody has made anything.
    pub async fn empty() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let supabase = Self { book: Arc::default(), port };
        let router = axum::Router::new().fallback(answers::answer).with_state(supabase.clone());
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        supabase
    }

    /// The project's address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The older form of the service key: a JWT of this role.
    pub fn jwt(role: &str) -> String {
        let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        let claims = format!(r#"{{"iss":"supabase","role":"{role}","exp":2051222400}}"#);
        format!("{}.{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims), part("signed"))
    }

    /// The variables of a server that keeps its files there, with the newer key.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.variables_with(SECRET_KEY)
    }

    /// The same with any key.
    pub fn variables_with(&self, key: &str) -> Vec<(&'static str, String)> {
        vec![("SUPABASE_URL", self.url()), ("SUPABASE_SERVICE_KEY", key.to_owned())]
    }

    /// Puts it into another mood.
    pub fn set(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.book().mood);
    }

    /// The paths of a bucket's objects.
    pub fn paths(&self, bucket: &str) -> Vec<String> {
        self.book().objects.keys().filter(|(of, _)| of == bucket).map(|(_, path)| path.clone()).collect()
    }

    /// An object that is there.
    pub fn object(&self, bucket: &str, path: &str) -> Object {
        self.book().objects.get(&(bucket.into(), path.into())).cloned().unwrap_or_else(|| panic!("no {bucket}/{path}"))
    }

    /// Puts an object there, as nobody's request does.
    pub fn put(&self, bucket: &str, path: &str, bytes: &[u8], media_type: &str) {
        let object = Object {
            bytes: Bytes::copy_from_slice(bytes),
            media_type: media_type.into(),
            cache_control: "no-cache".into(),
        };
        self.book().objects.insert((bucket.into(), path.into()), object);
    }

    /// The requests whose line begins like this.
    pub fn seen(&self, begin: &str) -> Vec<Seen> {
        self.book().seen.iter().filter(|seen| seen.line.starts_with(begin)).cloned().collect()
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("a book")
    }
}
