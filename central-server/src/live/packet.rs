//! The wire format of Engine.IO 4 and Socket.IO 5, as far as boxes and dashboards speak it: text packets in
//! the default namespace. Pure functions without I/O.
//!
//! An Engine.IO packet is one character and its data; with type `4` (message) the data is a Socket.IO packet:
//! another character, an optional acknowledgement number, and JSON.

use neopro_protocol::weight;
use serde_json::Value;

/// Between two packets in the body of a polling request.
pub const SEPARATOR: char = '\u{1e}';

/// What a client sends.
#[derive(Debug, Clone, PartialEq)]
pub enum FromClient {
    /// `1`: it goes.
    Close,
    /// `2probe`: it tries another transport.
    Probe,
    /// `3`: it is there.
    Pong,
    /// `5`: it has changed to the other transport.
    Upgrade,
    /// `6`: nothing.
    Noop,
    /// `40`: it enters the namespace, with what it says about itself.
    Connect(Option<Value>),
    /// `41`: it leaves the namespace.
    Disconnect,
    /// `42`: an event, its arguments, and the number under which it waits for an acknowledgement.
    Event {
        /// The event's name.
        name: String,
        /// What comes with it.
        arguments: Vec<Value>,
        /// To be repeated in the acknowledgement, if one is awaited.
        ack: Option<u64>,
    },
    /// `43`: the acknowledgement of one of our events.
    Ack {
        /// The number under which we wait.
        id: u64,
        /// What comes with it.
        arguments: Vec<Value>,
    },
}

/// A packet that cannot be read. Its sender is not one of ours, or broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads one packet.
///
/// # Errors
/// [`Malformed`] for anything that no client of ours sends: binary, another namespace, broken JSON, or JSON that is made
/// to fill our memory.
pub fn read(text: &str) -> Result<FromClient, Malformed> {
    if !weight::is_fair(text) {
        return Err(Malformed);
    }
    let mut characters = text.chars();
    let kind = characters.next().ok_or(Malformed)?;
    let data = characters.as_str();
    match kind {
        '1' => Ok(FromClient::Close),
        '2' if data == "probe" => Ok(FromClient::Probe),
        '3' => Ok(FromClient::Pong),
        '4' => read_message(data),
        '5' => Ok(FromClient::Upgrade),
        '6' => Ok(FromClient::Noop),
        _ => Err(Malformed),
    }
}

fn read_message(data: &str) -> Result<FromClient, Malformed> {
    let mut characters = data.chars();
    let kind = characters.next().ok_or(Malformed)?;
    let data = characters.as_str();
    // Another namespace begins with its name: there is none here.
    if data.starts_with('/') {
        return Err(Malformed);
    }
    match kind {
        '0' if data.is_empty() => Ok(FromClient::Connect(None)),
        '0' => serde_json::from_str(data).map(|auth| FromClient::Connect(Some(auth))).map_err(|_| Malformed),
        '1' => Ok(FromClient::Disconnect),
        '2' => {
            let (ack, mut arguments) = read_arguments(data)?;
            if arguments.is_empty() {
                return Err(Malformed);
            }
            let Value::String(name) = arguments.remove(0) else { return Err(Malformed) };
            Ok(FromClient::Event { name, arguments, ack })
        }
        '3' => match read_arguments(data)? {
            (Some(id), arguments) => Ok(FromClient::Ack { id, arguments }),
            (None, _) => Err(Malformed),
        },
        _ => Err(Malformed),
    }
}

fn read_arguments(data: &str) -> Result<(Option<u64>, Vec<Value>), Malformed> {
    let digits = data.len() - data.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, json) = data.split_at(digits);
    let ack = if number.is_empty() { None } else { Some(number.parse().map_err(|_| Malformed)?) };
    Ok((ack, serde_json::from_str(json).map_err(|_| Malformed)?))
}

/// `0`: the session begins.
#[must_use]
pub fn open(sid: &str, upgrades: &[&str], ping_interval_ms: u64, ping_timeout_ms: u64, max_payload: usize) -> String {
    let body = serde_json::json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": ping_interval_ms,
        "pingTimeout": ping_timeout_ms,
        "maxPayload": max_payload,
    });
    format!("0{body}")
}

/// `40`: the namespace is entered.
#[must_use]
pub fn connected(sid: &str) -> String {
    format!("40{}", serde_json::json!({ "sid": sid }))
}

/// `42`: an event.
#[must_use]
pub fn event(name: &str, data: &Value) -> String {
    let name = Value::from(name);
    if data.is_null() { format!("42[{name}]") } else { format!("42[{name},{data}]") }
}

/// `42` with a number: an event whose arrival the client is to acknowledge under that number.
#[must_use]
pub fn event_with_ack(name: &str, data: &Value, id: u64) -> String {
    let name = Value::from(name);
    if data.is_null() { format!("42{id}[{name}]") } else { format!("42{id}[{name},{data}]") }
}

/// `43`: the acknowledgement of a client's event.
#[must_use]
pub fn ack(id: u64, data: &Value) -> String {
    if data.is_null() { format!("43{id}[]") } else { format!("43{id}[{data}]") }
}

/// `41`: the namespace is closed to this client.
pub const DISCONNECT: &str = "41";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_boxes_send_is_understood() {
        let event = |name: &str, arguments: Vec<Value>, ack| FromClient::Event { name: name.into(), arguments, ack };
        for (text, packet) in [
            ("40", FromClient::Connect(None)),
            (r#"40{"token":"x"}"#, FromClient::Connect(Some(json!({"token": "x"})))),
            (r#"42["pong_check"]"#, event("pong_check", vec![], None)),
            (
                r#"42["heartbeat",{"metrics":{"cpu":12.5}}]"#,
                event("heartbeat", vec![json!({"metrics": {"cpu": 12.5}})], None),
            ),
            (r#"4217["reported",{"revision":3}]"#, event("reported", vec![json!({"revision": 3})], Some(17))),
            ("435[]", FromClient::Ack { id: 5, arguments: vec![] }),
            (r#"4312[{"revision":9}]"#, FromClient::Ack { id: 12, arguments: vec![json!({"revision": 9})] }),
            ("41", FromClient::Disconnect),
            ("3", FromClient::Pong),
            ("2probe", FromClient::Probe),
            ("5", FromClient::Upgrade),
            ("1", FromClient::Close),
            ("6", FromClient::Noop),
        ] {
            assert_eq!(read(text), Ok(packet), "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed_and_nothing_panics() {
        for text in [
            "",
            "4",
            "2",
            "7",
            "é",
            "40{",
            "42",
            "42{}",
            "42[]",
            "42[1]",
            "42[null]",
            r#"42["a""#,
            "43[]",
            "43x[]",
            "4299999999999999999999[\"a\"]",
            "40/admin,",
            r#"42/admin,["a"]"#,
            "45-[\"a\"]",
            "b4AAAA",
            "\u{0}",
            "4\u{1e}",
        ] {
            assert_eq!(read(text), Err(Malformed), "{text:?}");
        }
        let deep = format!("42[\"a\",{}", "[".repeat(100_000));
        assert_eq!(read(&deep), Err(Malformed));
        let heavy = format!("42[\"a\",{}0]", "{\"\":0},".repeat(100_000));
        assert_eq!(read(&heavy), Err(Malformed));
    }

    #[test]
    fn what_we_send_is_what_the_official_client_reads() {
        assert_eq!(
            open("s", &["websocket"], 25_000, 60_000, 10_000_000),
            r#"0{"maxPayload":10000000,"pingInterval":25000,"pingTimeout":60000,"sid":"s","upgrades":["websocket"]}"#
        );
        assert_eq!(connected("s"), r#"40{"sid":"s"}"#);
        assert_eq!(event("authenticated", &json!({"siteId": "x"})), r#"42["authenticated",{"siteId":"x"}]"#);
        assert_eq!(event("ping_check", &Value::Null), r#"42["ping_check"]"#);
        assert_eq!(event_with_ack("desired", &json!({"revision": 9}), 0), r#"420["desired",{"revision":9}]"#);
        assert_eq!(event_with_ack("ping_check", &Value::Null, 12), r#"4212["ping_check"]"#);
        assert_eq!(ack(17, &json!({"revision": 3})), r#"4317[{"revision":3}]"#);
        assert_eq!(ack(0, &Value::Null), "430[]");
    }
}
