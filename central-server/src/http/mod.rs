//! What every route shares: reading requests, paging, the outer layers, the API's description.

mod extract;
mod form;
pub mod layers;
mod multipart;
pub mod openapi;
pub mod page;

pub use extract::{Body, ClientAddress, Id, Ids, Origin, Query, Snapshot};
pub use form::{Form, FromForm, is_email};
pub use multipart::{Multipart, Part};
