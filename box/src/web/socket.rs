//! `/tv/socket`: the page of the TV hears what to show, and reports what it shows.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::connections::Ending;
use super::hosts::{Ends, is_same_origin};
use super::{Web, pages};
use crate::player::Connection;
use crate::player::messages::ToPage;

/// A report is a few words; the longest has a browser's error message.
const MESSAGE_BYTES: usize = 4096;
/// How often a page is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long a page may give none.
const SILENT_FOR: Duration = Duration::from_secs(45);

/// The socket of a page. Pages of other web sites are refused: the browser names them in `Origin`.
pub async fn tv(
    State(web): State<Web>,
    Extension(ends): Extension<Ends>,
    Extension(ending): Extension<Ending>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if !is_same_origin(&headers) {
        return pages::sentence(StatusCode::FORBIDDEN, "Seules les pages de ce boîtier peuvent commander l'écran.");
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES).read_buffer_size(4096),
        Err(refused) => return refused.into_response(),
    };
    upgrade.on_upgrade(async move |socket| {
        if let Some(connection) = web.player.connect(ends.is_local()).await {
            converse(socket, connection, ending).await;
        }
    })
}

/// Carries messages both ways until one side ends.
async fn converse(mut socket: WebSocket, mut connection: Connection, mut ending: Ending) {
    if !tell(&mut socket, &ToPage::Hello { page: pages::version().to_owned() }).await {
        return;
    }
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = connection.next() => match message {
                Some(message) => if !tell(&mut socket, &message).await { return },
                None => return,
            },
            message = socket.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                        Ok(report) => if !connection.report(report).await { return },
                        // A page of another version: what it cannot say does not matter, the watchdogs go on.
                        Err(error) => tracing::debug!(%error, "the page reports something unknown"),
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
                }
            },
            _ = pings.tick() => if socket.send(Message::Ping(Default::default())).await.is_err() { return },
            () = sleep_until(heard + SILENT_FOR) => return,
            () = ending.wait() => return,
        }
    }
}

async fn tell(socket: &mut WebSocket, message: &ToPage) -> bool {
    match serde_json::to_string(message) {
        // A page that does not read must not keep its place for ever.
        Ok(text) => matches!(tokio::time::timeout(PING_EVERY, socket.send(text.into())).await, Ok(Ok(()))),
        Err(error) => {
            tracing::error!(%error, "a message to the page cannot be written");
            false
        }
    }
}
