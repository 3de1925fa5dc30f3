//! Redis as step 4 makes one: TLS, and a user with a password.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;

use super::authority::Certificate;
use super::{REDIS, listening, program};

/// The token of step 4.3.
pub const TOKEN: &str = "AbCdEf0123456789AbCdEf0123456789";

/// The server, on port 6379 of this network. Killed when it is dropped.
pub struct Redis {
    program: Option<Child>,
    settings: PathBuf,
}

impl Redis {
    /// Starts it.
    pub async fn start(folder: &Path, certificate: &Certificate) -> Self {
        let folder = folder.join("redis");
        fs::create_dir_all(&folder).expect("a folder");
        let settings = folder.join("redis.conf");
        let lines = format!(
            "bind 127.0.0.1\nport 0\ntls-port 6379\ntls-cert-file {}\ntls-key-file {}\ntls-auth-clients no\n\
             user default on >{TOKEN} ~* &* +@all\nsave \"\"\nappendonly no\ndir {}\n",
            certificate.chain.display(),
            certificate.key.display(),
            folder.display(),
        );
        fs::write(&settings, lines).expect("its settings");
        let mut redis = Self { program: None, settings };
        redis.up().await;
        redis
    }

    /// Starts it again.
    pub async fn up(&mut self) {
        let log = self.settings.with_extension("log");
        let file = File::create(&log).expect("a log");
        let started = program("redis-server", false).arg(&self.settings).stdout(file).spawn();
        self.program = Some(started.expect("setpriv and redis-server are installed"));
        listening("redis-server", 6379, &log).await;
    }

    /// Kills it.
    pub fn down(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }

    /// The URL of step 4.3, filled in.
    pub fn url() -> String {
        format!("rediss://default:{TOKEN}@{REDIS}:6379")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.down();
    }
}
