//! The live channel: boxes say who they are and that they are there.
//!
//! An engine of our own for Engine.IO 4 and Socket.IO 5 (ADR 0007): `packet` is the wire format, `session` one
//! conversation, `polling` the transport of those who cannot use a WebSocket, `engine` the way in, `silent`
//! the limit for those who do not say who they are. `boxes` is what boxes say, `hub` who is there.

mod boxes;
pub mod engine;
mod hub;
pub mod jobs;
mod packet;
mod polling;
mod session;
mod silent;
mod store;

pub use hub::Hub;

/// The live channel of this replica.
#[derive(Debug, Default)]
pub struct Live {
    /// Sessions that poll.
    pub polls: engine::Polls,
    /// Who is there.
    pub hub: Hub,
    silent: silent::Silent,
}
