//! What a box says to the server: the packets of Engine.IO and Socket.IO in a text message, or several in the body of
//! a polling request.

use neopro_box::link::packet as of_box;
use neopro_central::live::packet::{self, FromClient, SEPARATOR};
use serde_json::Value;

use crate::json::{FACTOR, alike};
use crate::memory;

/// Each packet can be said again; what a box of ours says is understood as it was meant.
pub fn read(bytes: &[u8]) {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    for text in body.split(SEPARATOR) {
        let Ok(packet) = memory::within(FACTOR * text.len(), || packet::read(text)) else { continue };
        let again = packet::read(&say(&packet)).expect("what was understood can be said again");
        assert!(same(&packet, &again), "{packet:?} became {again:?}");
        if let FromClient::Event { name, arguments, ack } = &packet
            && arguments.len() <= 1
        {
            let written = match arguments.first() {
                Some(data) => of_box::event(name, data, *ack),
                None => of_box::bare_event(name),
            };
            let again = packet::read(&written.expect("JSON")).expect("a box is understood");
            let meant = FromClient::Event {
                name: name.clone(),
                arguments: arguments.clone(),
                ack: ack.filter(|_| !arguments.is_empty()),
            };
            assert!(same(&meant, &again), "{meant:?} became {again:?}");
        }
    }
}

/// An event that asks for an answer, under a number of more than one digit, with a list of not three things in its second argument.
pub fn planted(bytes: &[u8]) -> bool {
    let Some(Ok(FromClient::Event { arguments, ack: Some(10..), .. })) =
        std::str::from_utf8(bytes).ok().map(packet::read)
    else {
        return false;
    };
    let [_, Value::Array(list)] = arguments.as_slice() else { return false };
    list.len() != 3
}

fn say(packet: &FromClient) -> String {
    let list = |arguments: &[Value]| Value::from(arguments).to_string();
    match packet {
        FromClient::Close => "1".into(),
        FromClient::Probe => "2probe".into(),
        FromClient::Pong => "3".into(),
        FromClient::Upgrade => "5".into(),
        FromClient::Noop => "6".into(),
        FromClient::Connect(None) => "40".into(),
        FromClient::Connect(Some(auth)) => format!("40{auth}"),
        FromClient::Disconnect => "41".into(),
        FromClient::Event { name, arguments, ack } => {
            let all: Vec<Value> =
                std::iter::once(Value::from(name.as_str())).chain(arguments.iter().cloned()).collect();
            format!("42{}{}", ack.map(|id| id.to_string()).unwrap_or_default(), list(&all))
        }
        FromClient::Ack { id, arguments } => format!("43{id}{}", list(arguments)),
    }
}

/// The same, but for the last digits of numbers.
fn same(left: &FromClient, right: &FromClient) -> bool {
    let lists = |left: &[Value], right: &[Value]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
    };
    match (left, right) {
        (FromClient::Connect(Some(left)), FromClient::Connect(Some(right))) => alike(left, right),
        (
            FromClient::Event { name, arguments, ack },
            FromClient::Event { name: name_again, arguments: arguments_again, ack: ack_again },
        ) => name == name_again && ack == ack_again && lists(arguments, arguments_again),
        (FromClient::Ack { id, arguments }, FromClient::Ack { id: id_again, arguments: arguments_again }) => {
            id == id_again && lists(arguments, arguments_again)
        }
        _ => left == right,
    }
}
