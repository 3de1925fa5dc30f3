//! A box: one process behind the TV of a gym.
//!
//! `agent` talks to the central server and keeps the site's files as they are wanted; `player` decides what the TV
//! shows; `web` serves the TV's page, which only draws. They meet in [`library`]: what there is to play.

pub mod library;
