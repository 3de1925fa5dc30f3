//! The readers of foreign bytes, each with what must hold whatever it is given.
//!
//! `cargo test` reads every input of the corpora with them, without anything but Rust. `tests/engine.rs` lets libFuzzer
//! make up inputs; `cargo xtask test` and `cargo xtask soak fuzz` build and run it.

mod configuration;
mod database_url;
mod json;
mod media;
pub mod memory;
mod packet_of_box;
mod packet_of_server;
mod redis;
mod site_conf;
mod websocket;

/// A reader, and what must hold.
#[derive(Debug)]
pub struct Target {
    /// The name of its folder in `corpus/`.
    pub name: &'static str,
    /// Reads an input, and panics if something does not hold.
    pub read: fn(&[u8]),
    /// Whether an input gets as far as to a place that only the right bytes reach, in the right order. A panic is
    /// planted there to see whether the engine finds it; no input of the corpus gets there.
    pub planted: fn(&[u8]) -> bool,
}

/// Every reader.
pub const TARGETS: [Target; 8] = [
    Target { name: "configuration", read: configuration::read, planted: configuration::planted },
    Target { name: "database-url", read: database_url::read, planted: database_url::planted },
    Target { name: "media", read: media::read, planted: media::planted },
    Target { name: "packet-of-box", read: packet_of_box::read, planted: packet_of_box::planted },
    Target { name: "packet-of-server", read: packet_of_server::read, planted: packet_of_server::planted },
    Target { name: "redis", read: redis::read, planted: redis::planted },
    Target { name: "site-conf", read: site_conf::read, planted: site_conf::planted },
    Target { name: "websocket", read: websocket::read, planted: websocket::planted },
];

/// The reader of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
