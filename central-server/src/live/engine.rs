//! `/socket.io/`: how a client comes to a session, by WebSocket, by polling, or by one after the other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};

use super::allowance::Allowance;
use super::astray;
use super::frames::Said;
use super::polling::{Poll, Refused};
use super::session::{Handle, STRANGERS_PAYLOAD, Session, Transport};
use super::websocket::{Upgrade, WebSocket};
use crate::app::App;
use crate::error::engine_refusal;
use crate::http::{ClientAddress, Origin};

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
        return match Upgrade::asked(&mut parts) {
            Some(upgrade) => websocket(app, upgrade, wish.sid, address),
            None => engine_refusal(3, "Bad request"),
        };
    }
    match (&parts.method, wish.sid) {
        (&Method::GET, None) => begin_polling(app, address).await,
        (&Method::GET, Some(sid)) => match app.live.polls.find(sid) {
            Some(poll) => fetch(&poll).await,
            None => engine_refusal(1, astray::unknown(&app, sid)),
        },
        (&Method::POST, Some(sid)) => match app.live.polls.find(sid) {
            Some(poll) => post(&poll, body).await,
            None => engine_refusal(1, astray::unknown(&app, sid)),
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

fn websocket(app: App, upgrade: Upgrade, sid: Option<&str>, address: IpAddr) -> Response {
    let answer = upgrade.answer();
    match sid {
        None => {
            // The session alone is what stays: this task is as large as its largest part for as long as it lasts.
            tokio::spawn(async move {
                if let Some(socket) = Box::pin(upgrade.socket()).await {
                    let handle = Handle::new(address);
                    let sid = astray::new_sid(app.replicas.id(), app.clock.now());
                    Session::new(app, sid, Transport::WebSocket(Box::new(socket)), handle).run(&[]).await;
                }
            });
        }
        Some(sid) => match app.live.polls.find(sid) {
            Some(poll) => {
                tokio::spawn(change_over(poll, upgrade));
            }
            None => return engine_refusal(1, astray::unknown(&app, sid)),
        },
    }
    answer
}

async fn begin_polling(app: App, address: IpAddr) -> Response {
    let handle = Handle::new(address);
    let sid = astray::new_sid(app.replicas.id(), app.clock.now());
    let poll = Arc::new(Poll::new(handle.clone()));
    app.live.polls.lock().insert(sid.clone(), Arc::clone(&poll));
    let first = Arc::clone(&poll);
    tokio::spawn(async move {
        Session::new(app.clone(), sid.clone(), Transport::Polling(poll), handle).run(&["websocket"]).await;
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
        Err(Refused::Gone) => engine_refusal(1, astray::UNKNOWN),
    }
}

async fn post(poll: &Poll, body: Body) -> Response {
    let Ok(_posting) = poll.begin_post() else {
        poll.close();
        return engine_refusal(3, "Bad request");
    };
    let body = Limited::new(body, poll.max_payload()).collect();
    let Ok(Ok(collected)) = tokio::time::timeout(UPGRADE_TIMEOUT, body).await else {
        poll.close();
        return engine_refusal(3, "Bad request");
    };
    let Ok(packets) = String::from_utf8(collected.to_bytes().into()) else {
        return engine_refusal(3, "Bad request");
    };
    match poll.post(packets).await {
        Ok(()) => text("ok".into()),
        Err(_) => engine_refusal(1, astray::UNKNOWN),
    }
}

/// The dance of a change from polling to WebSocket: `2probe`, `3probe`, the waiting request is released, `5`.
async fn change_over(poll: Arc<Poll>, upgrade: Upgrade) {
    let mut allowance = Allowance::of_stranger(tokio::time::Instant::now());
    let dance = async {
        let mut socket = upgrade.socket().await?;
        if next_text(&mut socket, &mut allowance).await? != "2probe" {
            return None;
        }
        socket.send("3probe").await.ok()?;
        poll.release();
        (next_text(&mut socket, &mut allowance).await? == "5").then_some(socket)
    };
    if let Ok(Some(socket)) = tokio::time::timeout(UPGRADE_TIMEOUT, dance).await {
        // A session that ended meanwhile has no use for it.
        let _ = poll.upgrade(Box::new(socket)).await;
    }
}

async fn next_text(socket: &mut WebSocket, allowance: &mut Allowance) -> Option<String> {
    loop {
        match socket.receive(STRANGERS_PAYLOAD, allowance, None).await? {
            Said::Text(text) => return Some(text),
            Said::Ping(payload) => socket.pong(&payload).await.ok()?,
        }
    }
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"))], body).into_response()
}
