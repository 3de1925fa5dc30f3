//! Integration tests: the real router, a real PostgreSQL, real programs. Found by URL or by subject.

mod support;

mod auth;
mod cli;
mod contract;
mod guide;
mod hostile;
mod kills;
mod migrations;
mod pooler;
mod serve;
mod service;
mod sites;
mod walls;
