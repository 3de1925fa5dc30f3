//! What leaves the server to tell people something.

mod https;
pub mod mail;
