//! Integration tests: the real router, a real PostgreSQL, real programs. Found by URL or by subject.

#![expect(clippy::disallowed_methods, reason = "tests look at PostgreSQL directly, and read what the run tells them")]

mod support;

mod agencies;
mod attacks;
mod audit;
mod auth;
mod cli;
mod commands;
mod contract;
mod delivery;
mod deployments;
mod embedded;
mod events;
mod groups;
mod guesses;
mod guide;
mod headers;
mod hostile;
mod kills;
mod library;
mod live;
mod live_guesses;
mod live_limits;
mod mail;
mod matrix;
mod metrics;
mod migrations;
mod old_scripts;
mod orders;
mod outside;
mod overview;
mod own_sessions;
mod pages;
mod passwords;
mod pooler;
mod previews;
mod rate_limits;
mod references;
mod second_factor;
mod selections;
mod serve;
mod service;
mod setup;
mod siege;
mod sites;
mod storage;
mod tab_sessions;
mod takeover;
mod tallies;
mod tokens;
mod uploads;
mod users;
mod videos;
mod walls;
