//! A box: one process behind the TV of a gym.
//!
//! `agent` talks to the central server over a `link` and keeps what the server wants in `state`; `commands` does what
//! it asks for besides; `files` fetches,
//! checks and removes the site's files and publishes what there is to play; `configuration` watches the club's own
//! document. `player` decides what the TV shows; `web` serves the TV's page, which only draws. They meet in
//! [`library`]: what there is to play. `run` starts them all.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod configuration;
pub mod files;
pub mod identity;
pub mod library;
pub mod link;
pub mod net;
pub mod player;
pub mod run;
pub mod screen;
pub mod state;
pub mod system;
pub mod web;
