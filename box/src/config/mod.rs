//! What a box is told from outside: `site.conf`, the old agent's `.env`, and the environment. Nothing else reads it.
//!
//! A box is started by nobody who could read an error: a value that cannot be used is told in a sentence, and the
//! box goes on with a default, or without the server.

mod dotenv;
mod secret;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

pub use secret::Secret;

use crate::net::Address;

/// Where the site's settings are when nobody says otherwise.
const SITE_CONF: &str = "/etc/neopro/site.conf";
const ROOT: &str = "/home/pi/neopro";
const SERVER: &str = "http://localhost:3001";
const LISTEN: &str = "[::]:80";
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A box's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// `NEOPRO_ROOT`: the folder of everything.
    pub root: PathBuf,
    /// `VIDEOS_PATH`: the club's videos; those of the server are in `central/` below it.
    pub videos: PathBuf,
    /// `CONFIG_PATH`: the club's document.
    pub configuration: PathBuf,
    /// `NEOPRO_STATE_DIR`: what the box remembers.
    pub state_dir: PathBuf,
    /// `NEOPRO_LISTEN`: where the TV's page is served.
    pub listen: SocketAddr,
    /// The server, and who we are there; `None` for a box that works by itself.
    pub central: Option<Central>,
    /// `HEARTBEAT_INTERVAL`: between two signs of life.
    pub heartbeat: Duration,
    /// `LOG_LEVEL`: `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
    /// `CLUB_NAME`: the club's name when its document has none.
    pub club_name: Option<String>,
}

/// The central server, and the site's identity there.
#[derive(Debug, Clone)]
pub struct Central {
    /// `CENTRAL_SERVER_URL`.
    pub server: Address,
    /// `SITE_ID`: a UUID.
    pub site_id: String,
    /// `SITE_API_KEY`.
    pub api_key: Secret,
}

/// Settings, and French sentences about what was not as it should be.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What a person should know of them.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// Reads the environment and the files. The environment wins; of the files, the first.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn from_surroundings() -> Self {
        Self::from_files(&|name| std::env::var(name).ok())
    }

    fn from_files(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let first = dotenv::File::read(Path::new(&given("CONFIG_FILE").unwrap_or_else(|| SITE_CONF.into())));
        let of_first = |name: &str| given(name).or_else(|| first.values.get(name).cloned());
        let root = of_first("NEOPRO_ROOT").unwrap_or_else(|| ROOT.into());
        let second = dotenv::File::read(&Path::new(root.trim()).join("sync-agent/config/.env"));
        let source = |name: &str| {
            let file_value = || of_first(name).filter(|value| !value.trim().is_empty());
            given(name).or_else(file_value).or_else(|| second.values.get(name).cloned())
        };
        let mut loaded = Self::from_source(&source);
        loaded.warnings.splice(0..0, first.warnings.into_iter().chain(second.warnings));
        loaded
    }

    /// Reads the text of a `site.conf`, as if there were neither an environment nor another file.
    #[must_use]
    pub fn from_site_conf(text: &str) -> Self {
        let file = dotenv::File::parse(text, Path::new(SITE_CONF));
        let mut loaded = Self::from_source(&|name| file.values.get(name).cloned());
        loaded.warnings.splice(0..0, file.warnings);
        loaded
    }

    /// Reads values by their names.
    #[must_use]
    pub fn from_source(source: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut reader = Reader { source, warnings: Vec::new() };
        let config = reader.config();
        Self { config, warnings: reader.warnings }
    }
}

struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.source)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    fn config(&mut self) -> Config {
        let root = PathBuf::from(self.text("NEOPRO_ROOT").unwrap_or_else(|| ROOT.into()));
        let path = |name: &str, below: &str| self.text(name).map_or_else(|| root.join(below), PathBuf::from);
        let videos = path("VIDEOS_PATH", "videos");
        let configuration = path("CONFIG_PATH", "webapp/configuration.json");
        let state_dir = path("NEOPRO_STATE_DIR", "data");
        Config {
            videos,
            configuration,
            state_dir,
            listen: self.listen(),
            central: self.central(),
            heartbeat: self.heartbeat(),
            log_level: self.log_level(),
            club_name: self.text("CLUB_NAME"),
            root,
        }
    }

    fn listen(&mut self) -> SocketAddr {
        let default = || SocketAddr::from(([0_u16; 8], 80));
        let Some(value) = self.text("NEOPRO_LISTEN") else { return default() };
        value.parse().unwrap_or_else(|_| {
            self.warn(format!(
                "NEOPRO_LISTEN : une adresse et un port sont attendus, par exemple « 0.0.0.0:8081 » ; {LISTEN} est utilisé."
            ));
            default()
        })
    }

    fn heartbeat(&mut self) -> Duration {
        let Some(value) = self.text("HEARTBEAT_INTERVAL") else { return HEARTBEAT };
        match value.parse::<u64>() {
            Ok(millis) if (1_000..=3_600_000).contains(&millis) => Duration::from_millis(millis),
            _ => {
                self.warn(
                    "HEARTBEAT_INTERVAL : un nombre de millisecondes entre 1000 et 3600000 est attendu ; 30000 est utilisé.",
                );
                HEARTBEAT
            }
        }
    }

    fn log_level(&mut self) -> String {
        let Some(value) = self.text("LOG_LEVEL") else { return "info".into() };
        match value.to_ascii_lowercase().as_str() {
            level @ ("error" | "warn" | "info" | "debug" | "trace") => level.to_owned(),
            // The old agent's other levels.
            "http" => "info".into(),
            "verbose" => "debug".into(),
            "silly" => "trace".into(),
            _ => {
                self.warn(
                    "LOG_LEVEL : « error », « warn », « info », « debug » ou « trace » est attendu ; info est utilisé.",
                );
                "info".into()
            }
        }
    }

    /// The server; `None` and a sentence if there is none or if what is known of it is not enough.
    fn central(&mut self) -> Option<Central> {
        const ALONE: &str = "le boîtier fonctionne sans le serveur central";
        if self.text("CENTRAL_SERVER_ENABLED").as_deref() != Some("true") {
            self.warn(format!("CENTRAL_SERVER_ENABLED n'est pas « true » : {ALONE}."));
            return None;
        }
        let url = self.text("CENTRAL_SERVER_URL").unwrap_or_else(|| SERVER.into());
        let Some(server) = Address::of_server(&url) else {
            self.warn(format!(
                "CENTRAL_SERVER_URL : une adresse comme « https://neopro.example.fr » est attendue, sans chemin ; {ALONE}."
            ));
            return None;
        };
        let (Some(site_id), Some(api_key)) = (self.text("SITE_ID"), self.text("SITE_API_KEY")) else {
            self.warn(format!("SITE_ID ou SITE_API_KEY manque : {ALONE}."));
            return None;
        };
        if uuid::Uuid::from_str(&site_id).is_err() {
            self.warn(format!("SITE_ID : un UUID est attendu ; {ALONE}."));
            return None;
        }
        if !server.tls && !server.is_local() {
            self.warn("CENTRAL_SERVER_URL : l'adresse est en http, la clé du site circule en clair.");
        }
        Some(Central { server, site_id, api_key: Secret::new(api_key) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "0193d5a8-0000-7000-8000-000000000001";

    fn load(values: &[(&str, &str)]) -> Loaded {
        let find = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Loaded::from_source(&find)
    }

    #[test]
    fn a_box_without_settings_works_by_itself() {
        let Loaded { config, warnings } = load(&[]);
        assert_eq!(config.videos, Path::new("/home/pi/neopro/videos"));
        assert_eq!(config.configuration, Path::new("/home/pi/neopro/webapp/configuration.json"));
        assert_eq!(config.state_dir, Path::new("/home/pi/neopro/data"));
        assert_eq!((config.listen.to_string().as_str(), config.heartbeat), (LISTEN, HEARTBEAT));
        assert!(config.central.is_none());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }

    #[test]
    fn the_server_needs_an_address_and_an_identity() {
        let complete = [
            ("CENTRAL_SERVER_ENABLED", "true"),
            ("CENTRAL_SERVER_URL", "https://central.example.org/"),
            ("SITE_ID", SITE),
            ("SITE_API_KEY", "s3cr3t"),
        ];
        let loaded = load(&complete);
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert!(!format!("{loaded:?}").contains("s3cr3t"));
        let central = loaded.config.central.expect("a server");
        assert_eq!(central.server.to_string(), "https://central.example.org");
        assert_eq!(central.api_key.expose(), "s3cr3t");
        for (name, wrong) in [
            ("CENTRAL_SERVER_ENABLED", "yes"),
            ("CENTRAL_SERVER_URL", "ftp://x"),
            ("CENTRAL_SERVER_URL", "https://x/path"),
            ("SITE_ID", "12"),
            ("SITE_API_KEY", " "),
        ] {
            let values = complete.map(|(known, value)| (known, if known == name { wrong } else { value }));
            let Loaded { config, warnings } = load(&values);
            assert!(config.central.is_none() && warnings.len() == 1, "{name} {wrong}: {warnings:?}");
            assert!(!warnings[0].contains("s3cr3t"));
        }
        let clear =
            load(&complete.map(|(name, value)| (name, if value.starts_with("https") { "http://a.fr" } else { value })));
        assert!(clear.config.central.is_some() && clear.warnings.len() == 1);
    }

    #[test]
    fn a_value_that_cannot_be_used_is_told_and_replaced() {
        let Loaded { config, warnings } =
            load(&[("NEOPRO_LISTEN", "80"), ("HEARTBEAT_INTERVAL", "5"), ("LOG_LEVEL", "loud")]);
        assert_eq!((config.listen.port(), config.heartbeat, config.log_level.as_str()), (80, HEARTBEAT, "info"));
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }

    #[test]
    fn the_environment_wins_then_the_first_file() {
        let folder = crate::files::tests::scratch("config");
        std::fs::create_dir_all(folder.join("sync-agent/config")).expect("a folder");
        let conf = folder.join("site.conf");
        std::fs::write(&conf, format!("NEOPRO_ROOT={}\nCLUB_NAME=Un\nLOG_LEVEL=warn\n", folder.display()))
            .expect("a file");
        std::fs::write(folder.join("sync-agent/config/.env"), "CLUB_NAME=Deux\nHEARTBEAT_INTERVAL=5000\n")
            .expect("a file");
        let Loaded { config, .. } = Loaded::from_files(&|name| match name {
            "CONFIG_FILE" => Some(conf.display().to_string()),
            "LOG_LEVEL" => Some("debug".into()),
            _ => None,
        });
        assert_eq!(config.club_name.as_deref(), Some("Un"));
        assert_eq!((config.log_level.as_str(), config.heartbeat), ("debug", Duration::from_secs(5)));
        assert_eq!(config.root, folder);
    }
}
