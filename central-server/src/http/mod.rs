//! What every route shares: reading requests, paging, the outer layers, the API's description.

mod extract;
mod form;
pub mod layers;
pub mod openapi;
pub mod page;

pub use extract::{Body, ClientAddress, Id, Ids, Origin, Query, Snapshot};
pub use form::{Form, FromForm, is_email};
