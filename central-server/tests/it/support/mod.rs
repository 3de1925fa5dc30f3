//! What the tests stand on.

pub mod app;
pub mod cluster;
pub mod contract;
pub mod foreign_s3;
pub mod form;
pub mod http;
pub mod letters;
pub mod player;
pub mod program;
pub mod redis;
pub mod s3;
pub mod stage;
pub mod supabase;
pub mod terminal;
pub mod watcher;

pub use app::{Answer, TestApp};
pub use cluster::{Cluster, TestDb};
pub use form::Form;
pub use player::Player;
pub use redis::Redis;
pub use stage::Stage;
pub use supabase::Supabase;
pub use watcher::Watcher;
