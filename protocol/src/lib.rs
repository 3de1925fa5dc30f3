//! What the central server and a box say to each other: protocol 2, and the club's `configuration.json`.
//!
//! Types and pure functions: no I/O, nothing asynchronous. Fields that one side does not know are ignored, fields
//! that are missing have a default, so that either side can be newer than the other.

pub mod configuration;
mod messages;
pub mod weight;

pub use messages::{
    Authenticate, Authenticated, Command, CommandAck, CommandResult, CommandStatus, Desired, Drift, DriftKind, Item,
    ItemState, Media, Progress, Reason, Reported, ReportedAck, RevisionAck,
};

/// The protocol that new boxes announce.
pub const PROTOCOL: u32 = 2;
