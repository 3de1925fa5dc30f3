//! The screen of a box: the player and its page, joined to those who keep the files.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::configuration::Current;
use crate::files;
use crate::library::Library;
use crate::player::{self, Note, Place};
use crate::state::State;
use crate::web::hosts::{Hosts, machine_name};
use crate::web::{self, Web};

/// Between two tries to open the port.
const PORT_AGAIN: Duration = Duration::from_secs(5);
/// The place is kept this often at most: every write wears the card.
const KEPT_EVERY: Duration = Duration::from_secs(60);

/// What the screen works with.
pub struct Screen {
    /// What there is to play.
    pub library: watch::Receiver<Arc<Library>>,
    /// The club's document.
    pub configuration: watch::Receiver<Arc<Current>>,
    /// Told what cannot be played.
    pub notes: mpsc::Sender<files::Note>,
    /// Keeps the player's place.
    pub state: State,
    /// Where the page is served.
    pub listen: SocketAddr,
}

impl Screen {
    /// Plays until `end`; the place is kept then.
    pub async fn run(self, mut end: oneshot::Receiver<()>) {
        let (player, notes) = player::start(self.library, place(&self.state).await);
        let (text, public_text) = watch::channel(self.configuration.borrow().public_text.clone());
        let web = Web {
            player: player.clone(),
            configuration: public_text,
            hosts: Arc::new(Hosts::new(&machine_name(), [])),
        };
        let (stop, stopped) = oneshot::channel();
        tokio::join!(
            serve(self.listen, web, stopped),
            follow(self.configuration, text),
            hand_on(notes, self.notes, self.state.clone()),
            async {
                tokio::select! {
                    _ = &mut end => {}
                    () = player.ended() => tracing::error!("the player has ended, and the screen with it"),
                }
                if let Some(place) = player.place().await {
                    keep(&self.state, &place).await;
                }
                drop(player);
                let _ = stop.send(());
            },
        );
    }
}

async fn place(state: &State) -> Option<Place> {
    match state.place().await {
        Ok(place) => place.and_then(|place| serde_json::from_value(place).ok()),
        Err(error) => {
            tracing::warn!(%error, "where the loop was is not known: it begins anew");
            None
        }
    }
}

/// Serves the page. A port that is taken, by a program of before that has not ended yet, is waited for.
async fn serve(listen: SocketAddr, web: Web, mut stopped: oneshot::Receiver<()>) {
    let listener = loop {
        match open(listen).await {
            Ok(listener) => break listener,
            Err(error) => tracing::error!(%listen, %error, "the TV's page cannot be served yet (NEOPRO_LISTEN)"),
        }
        tokio::select! {
            () = tokio::time::sleep(PORT_AGAIN) => {}
            _ = &mut stopped => return,
        }
    };
    tracing::info!(%listen, "the TV's page is at /tv");
    web::serve(listener, web, async {
        let _ = stopped.await;
    })
    .await;
}

/// The port. Where the system has no IPv6, every address means every one of IPv4.
async fn open(listen: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(listen).await {
        Err(error) if listen.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, listen.port())).await
        }
        bound => bound,
    }
}

async fn follow(mut configuration: watch::Receiver<Arc<Current>>, text: watch::Sender<Option<Arc<str>>>) {
    loop {
        let new = configuration.borrow_and_update().public_text.clone();
        text.send_if_modified(|text| std::mem::replace(text, new.clone()) != new);
        tokio::select! {
            changed = configuration.changed() => if changed.is_err() { return },
            () = text.closed() => return,
        }
    }
}

async fn hand_on(mut notes: mpsc::Receiver<Note>, keeper: mpsc::Sender<files::Note>, state: State) {
    let mut kept: Option<tokio::time::Instant> = None;
    while let Some(note) = notes.recv().await {
        match note {
            // A keeper that is gone is the end of the box.
            Note::Unplayable { key, reason } => {
                let _ = keeper.send(files::Note::Unplayable { key, reason }).await;
            }
            Note::Playable { key } => {
                let _ = keeper.send(files::Note::Playable { key }).await;
            }
            Note::Place(place) => {
                if kept.is_none_or(|kept| kept.elapsed() >= KEPT_EVERY) {
                    keep(&state, &place).await;
                    kept = Some(tokio::time::Instant::now());
                }
            }
        }
    }
}

async fn keep(state: &State, place: &Place) {
    let kept = match serde_json::to_value(place) {
        Ok(place) => state.keep_place(place).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        tracing::warn!(error, "where the loop is could not be kept");
    }
}
