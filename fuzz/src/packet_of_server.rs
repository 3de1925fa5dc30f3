//! What the server says to a box, and what the box makes of it.

use neopro_box::link::packet::{self, FromServer};
use neopro_central::live::packet as of_server;
use serde_json::Value;

use crate::json::{FACTOR, alike};
use crate::memory;

/// What the server writes is understood as it was meant.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(packet) = memory::within(FACTOR * text.len(), || packet::read(text)) else { return };
    let written = match &packet {
        FromServer::Event { name, data, ack: None } => of_server::event(name, data),
        FromServer::Event { name, data, ack: Some(id) } => of_server::event_with_ack(name, data, *id),
        FromServer::Answer { to, data } => of_server::ack(*to, data),
        FromServer::Open { silence } => {
            let milliseconds = u64::try_from(silence.as_millis()).expect("the packet holds it in 64 bits");
            of_server::open("s", &["websocket"], milliseconds, 0, 1_000_000)
        }
        FromServer::Connected => of_server::connected("s"),
        FromServer::Disconnect => of_server::DISCONNECT.into(),
        FromServer::Ping | FromServer::Noop | FromServer::Close => return,
    };
    let again = packet::read(&written).expect("the server is understood");
    let same = match (&packet, &again) {
        (
            FromServer::Event { name, data, ack },
            FromServer::Event { name: name_again, data: data_again, ack: ack_again },
        ) => name == name_again && ack == ack_again && alike(data, data_again),
        (FromServer::Answer { to, data }, FromServer::Answer { to: to_again, data: data_again }) => {
            to == to_again && alike(data, data_again)
        }
        _ => packet == again,
    };
    assert!(same, "{packet:?} became {again:?}");
}

/// The answer to a later question, which says in a list within an object not two things, but more or less.
pub fn planted(bytes: &[u8]) -> bool {
    let Some(Ok(FromServer::Answer { to: 10.., data })) = std::str::from_utf8(bytes).ok().map(packet::read) else {
        return false;
    };
    let Some(Value::Array(list)) = data.as_object().and_then(|members| members.values().next()) else { return false };
    list.len() != 2
}
