//! `/socket.io/`: how a client comes to a session, by WebSocket, by polling, or by one after the other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};

use super::boxes::Talk;
use super::polling::{Poll, Refused};
use super::session::{self, Handle, MAX_PAYLOAD, Transport};
use crate::app::App;
use crate::error::engine_refusal;
use crate::http::{ClientAddress, Origin};

/// The buffers of one connection: small, because thirteen thousand of them are idle at the same time.
const READ_BUFFER: usize = 4 * 1024;
/// How long a client may take for the steps of a change of transport.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(20);

/// Sessions that poll, by their id.
#[derive(Default)]
pub struct Polls(Mutex<HashMap<String, Arc<Poll>>>);

impl std::fmt::Debug for Polls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Polls").field(&self.lock().len()).finish()
    }
}

impl Polls {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Poll>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn find(&self, sid: &str) -> Option<Arc<Poll>> {
        self.lock().get(sid).cloned()
    }
}

/// What the query string says.
struct Wish<'a> {
    websocket: bool,
    sid: Option<&'a str>,
}

/// Every request below `/socket.io/`.
pub async fn handle(State(app): State<App>, request: Request) -> Response {
    if let Origin::Foreign(_) = Origin::of(request.headers(), &app) {
        return engine_refusal(4, "Forbidden");
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let wish = match read_wish(&query) {
        Ok(wish) => wish,
        Err((code, message)) => return engine_refusal(code, message),
    };
    let (mut parts, body) = request.into_parts();
    let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(&mut parts, &app).await;
    if wish.websocket {
        let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &app).await else {
            return engine_refusal(3, "Bad request");
        };
        return websocket(app, upgrade, wish.sid, address);
    }
    match (&parts.method, wish.sid) {
        (&Method::GET, None) => begin_polling(app, address).await,
        (&Method::GET, Some(sid)) => match app.live.polls.find(sid) {
            Some(poll) => fetch(&poll).await,
            None => engine_refusal(1, "Session ID unknown"),
        },
        (&Method::POST, Some(sid)) => match app.live.polls.find(sid) {
            Some(poll) => post(&poll, body).await,
            None => engine_refusal(1, "Session ID unknown"),
        },
        _ => engine_refusal(2, "Bad handshake method"),
    }
}

fn read_wish(query: &str) -> Result<Wish<'_>, (u8, &'static str)> {
    let value = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    if value("EIO") != Some("4") {
        return Err((5, "Unsupported protocol version"));
    }
    let websocket = match value("transport") {
        Some("websocket") => true,
        Some("polling") => false,
        _ => return Err((0, "Transport unknown")),
    };
    Ok(Wish { websocket, sid: value("sid") })
}

fn websocket(app: App, upgrade: WebSocketUpgrade, sid: Option<&str>, address: IpAddr) -> Response {
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_PAYLOAD)
        .max_frame_size(MAX_PAYLOAD);
    match sid {
        None => upgrade.on_upgrade(move |socket| async move {
            begin(app, Transport::WebSocket(Box::new(socket)), &new_sid(), &[], address).await;
        }),
        Some(sid) => match app.live.polls.find(sid) {
            Some(poll) => upgrade.on_upgrade(move |socket| change_over(poll, socket)),
            None => engine_refusal(1, "Session ID unknown"),
        },
    }
}

async fn begin(app: App, transport: Transport, sid: &str, upgrades: &[&str], address: IpAddr) {
    let (handle, queue) = Handle::new(address);
    let talk = Talk::begin(app, handle.clone());
    session::run(transport, sid, upgrades, handle, queue, talk).await;
}

async fn begin_polling(app: App, address: IpAddr) -> Response {
    let (sid, poll) = (new_sid(), Arc::new(Poll::new()));
    app.live.polls.lock().insert(sid.clone(), Arc::clone(&poll));
    let first = Arc::clone(&poll);
    tokio::spawn(async move {
        begin(app.clone(), Transport::Polling(poll), &sid, &["websocket"], address).await;
        app.live.polls.lock().remove(&sid);
    });
    fetch(&first).await
}

async fn fetch(poll: &Poll) -> Response {
    match poll.fetch().await {
        Ok(packets) => text(packets),
        Err(Refused::Twice) => {
            // Two at once: the client is confused, or two clients share a session. It begins anew.
            poll.close();
            engine_refusal(3, "Bad request")
        }
        Err(Refused::Gone) => engine_refusal(1, "Session ID unknown"),
    }
}

async fn post(poll: &Poll, body: Body) -> Response {
    let collected = tokio::time::timeout(UPGRADE_TIMEOUT, Limited::new(body, MAX_PAYLOAD).collect()).await;
    let Ok(Ok(collected)) = collected else {
        poll.close();
        return engine_refusal(3, "Bad request");
    };
    let Ok(packets) = String::from_utf8(collected.to_bytes().into()) else {
        return engine_refusal(3, "Bad request");
    };
    match poll.post(&packets).await {
        Ok(()) => text("ok".into()),
        Err(_) => engine_refusal(1, "Session ID unknown"),
    }
}

/// The dance of a change from polling to WebSocket: `2probe`, `3probe`, the waiting request is released, `5`.
async fn change_over(poll: Arc<Poll>, mut socket: WebSocket) {
    let dance = async {
        if next_text(&mut socket).await.as_deref() != Some("2probe") {
            return false;
        }
        if socket.send(Message::Text("3probe".into())).await.is_err() {
            return false;
        }
        poll.release();
        next_text(&mut socket).await.as_deref() == Some("5")
    };
    if !matches!(tokio::time::timeout(UPGRADE_TIMEOUT, dance).await, Ok(true)) {
        return;
    }
    let _ = poll.upgrade(Box::new(socket)).await;
}

async fn next_text(socket: &mut WebSocket) -> Option<String> {
    match socket.recv().await? {
        Ok(Message::Text(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// 160 random bits: a session's id is also what lets a request join it.
fn new_sid() -> String {
    let mut bytes = [0u8; 20];
    // Without randomness the id is no secret, but still unique by its session's number.
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..16].copy_from_slice(uuid::Uuid::now_v7().as_bytes());
    }
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"))], body).into_response()
}
