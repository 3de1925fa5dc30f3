//! The whole of it: a real server on its own database, real boxes, a real browser, and `curl` in the place of the
//! dashboard.

#![expect(clippy::disallowed_methods, reason = "tests read what the run tells them, and the time as it is")]

mod bench;
mod commands;
mod dashboard;
mod demo;
mod fluid;
mod gallery;
mod harness;
mod hosted;
mod kills;
mod outside;
mod pieces;
mod simulate;
#[expect(dead_code, reason = "the server's own tests put it into more states")]
#[path = "../../../central-server/tests/it/support/supabase/mod.rs"]
mod supabase;
mod tv;
