//! The live channel: boxes say who they are and that they are there.
//!
//! An engine of our own for Engine.IO 4 and Socket.IO 5 (ADR 0007): `packet` is the wire format, `session` one
//! conversation, `websocket` its transport (in `frames`), `polling` that of those who cannot use one, `engine` the way in, `astray` for
//! those whom it led to the wrong replica,
//! `silent` the limit for those who do not say who they are, `guesses` that for those who say it wrongly, `allowance` that for
//! those who say too much, `large` where packets are read that take long. `boxes` is what boxes say, `keys` how they are known (many `together`), `hub` who is
//! there, `moved` who has gone to another replica, `figures` what they measure, `courier` who brings them work, in the words of `v2` or of `v1`; `commands` are
//! people's, of both protocols, `answers` what boxes say to them.

mod allowance;
mod answers;
pub mod astray;
mod boxes;
mod commands;
mod courier;
pub mod engine;
mod figures;
pub mod frames;
mod guesses;
mod hub;
pub mod jobs;
mod keys;
mod large;
mod moved;
pub mod packet;
mod polling;
mod session;
mod silent;
mod store;
mod together;
mod v1;
mod v2;
mod websocket;

use crate::app::App;
use crate::ids::SiteId;

pub use commands::{Message, Presence};
pub use courier::{Bell, SWEPT_DEAF};
pub use guesses::guesses_shown;
pub use hub::Hub;
pub use websocket::packets_sent;

/// The live channel of this replica.
#[derive(Debug, Default)]
pub struct Live {
    /// Sessions that poll.
    pub polls: engine::Polls,
    /// Who is there.
    pub hub: Hub,
    /// Whose work has changed.
    pub bell: Bell,
    seats: courier::Seats,
    progress: courier::Progresses,
    silent: silent::Silent,
    keys: keys::Keys,
    guesses: guesses::Guesses,
    receipts: commands::Receipts,
    answers: answers::Answers,
    beside: large::Beside,
    debts: allowance::Debts,
    moved: moved::Moved,
    /// Requests of sessions that another replica has.
    pub astray: astray::Astray,
    /// It is to be looked for work now.
    looking: tokio::sync::Notify,
}

impl Live {
    /// Has it looked for work that nobody rang for, now instead of with the next sweep.
    pub fn look(&self) {
        self.looking.notify_one();
    }

    /// Has it looked whether these boxes have left us for another replica.
    pub fn look_for_moved(&self, sites: impl IntoIterator<Item = SiteId>) {
        self.moved.look(sites.into_iter().filter(|site| self.hub.is_here(*site)));
    }
}

impl Live {
    /// Connections of those who have not said who they are.
    #[must_use]
    pub fn strangers(&self) -> usize {
        self.silent.count()
    }
}

/// Lets every box go because the server stops: what was heard is written down, and nobody is noted as away. Each comes back by
/// itself, to whoever serves then.
pub async fn let_go(app: &App) {
    jobs::write_now(app).await;
    let boxes = app.live.hub.let_go();
    app.live.silent.let_go();
    tracing::info!(boxes, "boxes are sent to whoever serves next");
}

/// Runs what the live channel does by itself, until the server stops.
pub async fn run(app: App) {
    tokio::join!(jobs::run(app.clone()), commands::run(app.clone()), moved::run(app.clone()), courier::run(app));
}
