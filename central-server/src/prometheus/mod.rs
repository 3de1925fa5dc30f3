//! The figures of this process for Prometheus (`GET /metrics`), in a registry of our own: counters, gauges and histograms
//! are a few lines each, and what is shown is written down in one place (ADR 0027).
//!
//! The names are those of NeoPro 1 where it had one. A scrape reads what is known: it asks neither the database nor anybody
//! else. No label is an id, an address, or a word that a client may choose.

mod http;
mod measures;
pub mod page;
mod process;
pub mod routes;
mod store;
pub mod watch;

pub use http::{Requests, UnderWay};
pub use measures::{DATABASE_BOUNDS, Measures};
pub use process::Process;
