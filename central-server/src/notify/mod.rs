//! What leaves the server to tell people something.

pub mod https;
pub mod mail;
pub mod slack;
