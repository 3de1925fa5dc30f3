//! The packets of Engine.IO 4 and Socket.IO 5, as text, of the namespace `/` and without attachments.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Enters the namespace.
pub const CONNECT: &str = "40";
/// Leaves it.
pub const DISCONNECT: &str = "41";
/// The answer to the server's ping.
pub const PONG: &str = "3";

/// What a server can say.
#[derive(Debug, PartialEq)]
pub enum FromServer {
    /// The first packet: how long we may be left without a sign of life.
    Open {
        /// The longest silence of a living server.
        silence: Duration,
    },
    /// Asks for a sign of life.
    Ping,
    /// Nothing.
    Noop,
    /// The transport ends.
    Close,
    /// The namespace is entered.
    Connected,
    /// The namespace is closed to us.
    Disconnect,
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its argument; null if it has none.
        data: Value,
        /// The number under which it wants to be answered.
        ack: Option<u64>,
    },
    /// The answer to an event of ours.
    Answer {
        /// The number that we gave it.
        to: u64,
        /// The argument.
        data: Value,
    },
}

/// A packet that is none of those.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    ping_interval: u64,
    ping_timeout: u64,
}

/// Reads a packet.
///
/// # Errors
/// It is none that we know.
pub fn read(text: &str) -> Result<FromServer, Malformed> {
    let (kind, rest) = text.split_at_checked(1).ok_or(Malformed)?;
    match kind {
        "0" => {
            let opening: Opening = serde_json::from_str(rest).map_err(|_| Malformed)?;
            let silence = opening.ping_interval.saturating_add(opening.ping_timeout);
            Ok(FromServer::Open { silence: Duration::from_millis(silence) })
        }
        "1" => Ok(FromServer::Close),
        "2" => Ok(FromServer::Ping),
        "6" => Ok(FromServer::Noop),
        "4" => read_message(rest),
        _ => Err(Malformed),
    }
}

fn read_message(text: &str) -> Result<FromServer, Malformed> {
    let (kind, rest) = text.split_at_checked(1).ok_or(Malformed)?;
    let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let (number, body) = rest.split_at(digits);
    let number = if number.is_empty() { None } else { Some(number.parse().map_err(|_| Malformed)?) };
    match kind {
        "0" => Ok(FromServer::Connected),
        // Refused at the door, or shown out.
        "1" | "4" => Ok(FromServer::Disconnect),
        "2" => {
            let mut arguments = read_arguments(body)?.into_iter();
            let Some(Value::String(name)) = arguments.next() else { return Err(Malformed) };
            Ok(FromServer::Event { name, data: arguments.next().unwrap_or_default(), ack: number })
        }
        "3" => {
            let data = read_arguments(body)?.into_iter().next().unwrap_or_default();
            Ok(FromServer::Answer { to: number.ok_or(Malformed)?, data })
        }
        _ => Err(Malformed),
    }
}

fn read_arguments(text: &str) -> Result<Vec<Value>, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed)
}

/// An event with its argument; with a number, it wants an answer.
///
/// # Errors
/// The argument cannot be written as JSON.
pub fn event(name: &str, data: &impl Serialize, ack: Option<u64>) -> Result<String, serde_json::Error> {
    let number = ack.map(|number| number.to_string()).unwrap_or_default();
    Ok(format!("42{number}{}", serde_json::to_string(&(name, data))?))
}

/// An event without an argument.
///
/// # Errors
/// The name cannot be written as JSON.
pub fn bare_event(name: &str) -> Result<String, serde_json::Error> {
    Ok(format!("42{}", serde_json::to_string(&[name])?))
}

/// The answer to an event of the server.
///
/// # Errors
/// The argument cannot be written as JSON.
pub fn answer(to: u64, data: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(format!("43{to}{}", serde_json::to_string(&[data])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_server_says_is_understood() {
        let event = |name: &str, data, ack| FromServer::Event { name: name.into(), data, ack };
        for (text, packet) in [
            (
                r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}"#,
                FromServer::Open { silence: Duration::from_secs(85) },
            ),
            ("2", FromServer::Ping),
            ("1", FromServer::Close),
            ("6", FromServer::Noop),
            (r#"40{"sid":"b"}"#, FromServer::Connected),
            ("41", FromServer::Disconnect),
            (r#"44{"message":"no"}"#, FromServer::Disconnect),
            (r#"42["ping_check",{"timestamp":1}]"#, event("ping_check", json!({"timestamp": 1}), None)),
            (r#"42["pong"]"#, event("pong", Value::Null, None)),
            (r#"4217["desired",{"a":[1]},2]"#, event("desired", json!({"a": [1]}), Some(17))),
            (r#"433[{"sequence":4}]"#, FromServer::Answer { to: 3, data: json!({"sequence": 4}) }),
            ("430[]", FromServer::Answer { to: 0, data: Value::Null }),
        ] {
            assert_eq!(read(text), Ok(packet), "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "é",
            "9",
            "0",
            "0{}",
            "4",
            "42",
            "42{}",
            "42[]",
            "42[1]",
            "42[\"a\"",
            "43[1]",
            "45[\"a\"]",
            "42/other,[\"a\"]",
            "4299999999999999999999[\"a\"]",
        ] {
            assert_eq!(read(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn no_text_is_too_strange() {
        let pieces = ["4", "2", "0", "17", "[", "]", "{", "}", "\"", "a", ",", ":", "é", "\\", "null", "-", "/", "1e9"];
        let mut state = 1_u64;
        let mut events = 0;
        for _ in 0..200_000 {
            let mut text = String::new();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[usize::try_from(state >> 33).expect("64 bits") % pieces.len()]);
            }
            events += usize::from(read(&text).is_ok());
        }
        assert!(events > 100, "only {events} texts were packets");
    }

    #[test]
    fn what_we_say_is_as_the_library_writes_it() {
        assert_eq!(event("heartbeat", &json!({"a": 1}), None).expect("JSON"), r#"42["heartbeat",{"a":1}]"#);
        assert_eq!(event("reported", &json!({}), Some(5)).expect("JSON"), r#"425["reported",{}]"#);
        assert_eq!(bare_event("pong_check").expect("JSON"), r#"42["pong_check"]"#);
        assert_eq!(answer(7, &json!({"revision": 3})).expect("JSON"), r#"437[{"revision":3}]"#);
    }
}
