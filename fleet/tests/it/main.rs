//! The whole of it: a real server on its own database, real boxes, a real browser, and `curl` in the place of the
//! dashboard.

mod harness;
mod kills;
mod tv;
