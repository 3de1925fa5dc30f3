//! NeoPro's central server.
//!
//! `app` is the map: dependencies, routes, layers. `serve` brings it up and down. A feature is a folder with
//! the same rooms: `mod` (words and rules), `routes` (HTTP in and out), `store` (SQL).

pub mod agencies;
pub mod alerts;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod configurations;
pub mod db;
pub mod deployments;
pub mod doctor;
pub mod due;
pub mod error;
pub mod events;
pub mod groups;
pub mod health;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod language;
pub mod live;
pub mod logging;
pub mod metrics;
pub mod notify;
pub mod passwords;
pub mod plays;
pub mod prometheus;
pub mod replicas;
pub mod retention;
pub mod sealing;
pub mod serve;
pub mod settings;
pub mod setup;
pub mod sites;
pub mod storage;
pub mod takeover;
pub mod usage;
pub mod users;
pub mod videos;
pub mod words;
