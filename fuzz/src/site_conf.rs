//! `site.conf`, which an installer or a person has written.

use std::fmt::Write as _;

use neopro_box::config::{Config, Loaded};

use crate::memory;

/// Values are copied when they are looked up, and each line that says nothing has a sentence of a hundred bytes.
const FACTOR: usize = 200;

/// What stands in the place of the key when it is looked for: a key of the input's own may be a piece of our sentences.
const MARKER: &str = "KEY-THAT-NOBODY-IS-SHOWN";

/// A box is always told something that it can start with; the key stands in no sentence; what was read can be written
/// down and is then read alike, without a word about its form.
pub fn read(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Loaded { config, warnings } = memory::within(FACTOR * text.len(), || Loaded::from_site_conf(&text));
    assert!(warnings.iter().all(|warning| warning.ends_with('.')), "{warnings:?}");
    key_stays_unsaid(&text, &config);
    let again = Loaded::from_site_conf(&written(&config));
    assert_eq!(shown(&config), shown(&again.config));
    assert!(again.warnings.len() <= 1, "{:?}", again.warnings);
}

/// The same text with another key: what is told then does not name it.
fn key_stays_unsaid(text: &str, config: &Config) {
    let Some(central) = &config.central else { return };
    let key = central.api_key.expose();
    // A key that is also the club's name is shown as that.
    if key.is_empty() || text.matches(key).count() != 1 {
        return;
    }
    let Loaded { config, warnings } = Loaded::from_site_conf(&text.replace(key, MARKER));
    if config.central.as_ref().is_none_or(|central| central.api_key.expose() != MARKER) {
        return;
    }
    let told = format!("{config:?} {warnings:?}");
    assert!(!told.contains(MARKER), "{told}");
}

/// A box that has a server and a folder of its own, of a club without a name.
pub fn planted(bytes: &[u8]) -> bool {
    let Config { root, central, club_name, .. } = Loaded::from_site_conf(&String::from_utf8_lossy(bytes)).config;
    central.is_some() && club_name.is_none() && !root.starts_with("/home/pi/neopro")
}

/// What is compared: all of it, with the key.
fn shown(config: &Config) -> String {
    format!("{config:?} {:?}", config.central.as_ref().map(|central| central.api_key.expose()))
}

/// A `site.conf` that says the same.
fn written(config: &Config) -> String {
    let mut lines = String::new();
    let mut say = |name: &str, value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        writeln!(lines, "{name}=\"{value}\"").expect("a text takes everything");
    };
    say("NEOPRO_ROOT", &config.root.to_string_lossy());
    say("VIDEOS_PATH", &config.videos.to_string_lossy());
    say("CONFIG_PATH", &config.configuration.to_string_lossy());
    say("NEOPRO_STATE_DIR", &config.state_dir.to_string_lossy());
    say("NEOPRO_LISTEN", &config.listen.to_string());
    say("HEARTBEAT_INTERVAL", &config.heartbeat.as_millis().to_string());
    say("LOG_LEVEL", &config.log_level);
    if let Some(name) = &config.club_name {
        say("CLUB_NAME", name);
    }
    if let Some(central) = &config.central {
        say("CENTRAL_SERVER_ENABLED", "true");
        say("CENTRAL_SERVER_URL", &central.server.to_string());
        say("SITE_ID", &central.site_id);
        say("SITE_API_KEY", central.api_key.expose());
    }
    lines
}
