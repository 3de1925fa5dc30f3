//! What every route shares: reading requests, paging, the outer layers, the API's description.

mod extract;
mod form;
pub mod layers;
pub mod limits;
mod multipart;
pub mod openapi;
pub mod page;
pub mod pages;
mod shared;

pub use extract::{Body, ClientAddress, Id, Ids, Origin, Query, Snapshot, read_body};
pub use form::{Form, FromForm, is_email};
pub use multipart::{Multipart, Part};
pub use shared::{Got, Shared};

/// A connection's place among those that the server accepts at the same time. Who takes a connection over keeps
/// it until the connection ends.
#[derive(Debug, Clone)]
pub struct Place(pub std::sync::Arc<tokio::sync::OwnedSemaphorePermit>);
