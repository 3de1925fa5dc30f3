//! A storage that speaks S3 and that others wrote (`s3rver`, by npm): it computes every signature from what has come, by its
//! own reading of the standard. It lets anybody read and write without a key; what a key's holder signs has to be right.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::scratch;
use super::program::free_port;

pub const BUCKET: &str = "neopro-videos";
/// The only key pair that it knows.
const KEY: &str = "S3RVER";

/// Its process; killed when it is dropped.
pub struct ForeignS3 {
    process: Child,
    folder: PathBuf,
    pub port: u16,
}

impl ForeignS3 {
    /// An empty bucket; `rules` is its CORS configuration, if it has one.
    pub async fn start(rules: Option<&str>) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        assert!(scripts.join("node_modules/@20minutes/s3rver").exists(), "`cargo xtask test` installs this storage");
        let port = free_port();
        let folder = scratch(&format!("foreign-s3-{port}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = Command::new("node");
        // Its lists are continued by tokens of a cipher that Node counts among the old ones.
        command.arg("--openssl-legacy-provider").arg(scripts.join("s3.mjs"));
        command.arg(port.to_string()).arg(folder.join("buckets")).arg(BUCKET).stdin(Stdio::null());
        if let Some(rules) = rules {
            let file = folder.join("rules.xml");
            std::fs::write(&file, rules).expect("the rules");
            command.arg(file);
        }
        std::fs::create_dir_all(folder.join("buckets")).expect("a folder");
        let process = command.spawn().expect("node runs");
        let foreign = Self { process, folder, port };
        let until = Instant::now() + Duration::from_secs(20);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(Instant::now() < until, "the storage does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        foreign
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a server has to know of it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let told = [
            ("STORAGE", "s3"),
            ("S3_BUCKET", BUCKET),
            ("S3_REGION", "gra"),
            ("S3_ACCESS_KEY_ID", KEY),
            ("S3_SECRET_ACCESS_KEY", KEY),
        ];
        told.map(|(name, value)| (name, value.to_owned())).into_iter().chain([("S3_ENDPOINT", self.url())]).collect()
    }

    /// Lays an object of one byte under this key, past its API.
    pub fn lay(&self, key: &str) {
        let path = self.folder.join("buckets").join(BUCKET).join(format!("{key}._S3rver_object"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, b"x").expect("an object");
    }

    /// How many objects lie in it, by its own files.
    pub fn count(&self) -> usize {
        fn below(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
            entries
                .map(|entry| match entry.path().is_dir() {
                    true => below(&entry.path()),
                    false => usize::from(entry.file_name().to_string_lossy().ends_with("._S3rver_object")),
                })
                .sum()
        }
        below(&self.folder.join("buckets"))
    }
}

impl Drop for ForeignS3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
