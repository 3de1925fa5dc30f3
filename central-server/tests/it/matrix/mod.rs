//! Nobody gets in where they do not belong: by enumeration of what there is, rather than by examples.
//!
//! `rights` says who may do what beside the table of the routes; `world` is four tenants of which every text carries a
//! word of their own, made from the tables that there are (`catalogue`). `routes` tries every route as everybody,
//! `canaries` looks for words of others with both walls and with either alone, `programs` does the same with tokens of
//! theirs; `stores` is how the first wall is written, `relations` and `functions` ask the second by itself; `sockets`
//! says every event as everybody, `beside` is what stands beside the API, and `outsiders` what roles can touch that the
//! database's platform serves to the world.

mod beside;
mod canaries;
mod catalogue;
mod functions;
mod outsiders;
mod programs;
mod relations;
pub mod rights;
mod routes;
mod sockets;
mod stores;
pub mod world;
