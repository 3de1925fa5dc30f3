//! Simulated boxes. They share the protocol's types with the server, and no code.

pub mod identity;
pub mod storm;
