//! The club's `configuration.json`, which people and other programs write.

use neopro_box::configuration::Current;
use neopro_protocol::configuration::{MASK, club_view, deployed_videos, is_secret, public_text, split};
use serde_json::{Map, Value};

use crate::json::{self, alike};
use crate::memory;

/// The document is there twice for a moment, once with its texts, besides lists of its members.
const FACTOR: usize = 2 * json::FACTOR + 64;

/// What is served, and what the server is sent, is the document without its secrets and else nothing is missing; the
/// secrets can be put back; the TV sees none.
pub fn read(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // The name by which serde_json hands raw texts through itself: such a member is taken for what its text says.
    if text.contains("serde_json") {
        return;
    }
    let Ok(current) = memory::within(FACTOR * text.len(), || Current::read(&text)) else { return };
    let document: Value = serde_json::from_str(text.trim_start_matches('\u{FEFF}')).expect("it was read");

    let served = current.public_text.expect("a document has a text");
    let mut open = document.clone();
    take_secrets_out(&mut open);
    assert!(alike(&open, &serde_json::from_str(&served).expect("what is served is JSON")), "{served}");
    assert_eq!(public_text(&served).expect("JSON"), *served, "nothing more is left out");

    let mirror = current.mirror.expect("a document has a mirror");
    let masked: Value = serde_json::from_str(mirror.document.get()).expect("the mirror is JSON");
    assert!(is_masked(&masked), "{masked}");
    assert_eq!(mirror.hash.len(), 16);
    let (halves, secrets) = split(document.clone());
    assert!(alike(&masked, &halves), "{masked}");
    assert_eq!(put_back(halves, secrets), document);

    assert_eq!((club_view(&masked), deployed_videos(&masked)), (current.view, current.deployed), "{masked}");
}

/// A second entry of the loop that says how long it is shown, in a club without a name.
pub fn planted(bytes: &[u8]) -> bool {
    let Ok(Current { view, .. }) = Current::read(&String::from_utf8_lossy(bytes)) else { return false };
    let Some(entry) = view.sponsors.get(1) else { return false };
    entry.seconds.is_some() && view.club_name.is_none()
}

fn take_secrets_out(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !is_secret(name));
            members.values_mut().for_each(take_secrets_out);
        }
        Value::Array(members) => members.iter_mut().for_each(take_secrets_out),
        _ => {}
    }
}

fn is_masked(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().all(|(name, member)| match member {
            Value::Null | Value::Bool(_) => true,
            Value::String(text) if is_secret(name) => text.is_empty() || text == MASK,
            _ => !is_secret(name) && is_masked(member),
        }),
        Value::Array(members) => members.iter().all(is_masked),
        _ => true,
    }
}

fn put_back(mut document: Value, secrets: Map<String, Value>) -> Value {
    for (place, secret) in secrets {
        *document.pointer_mut(&place).expect("the places are those of the document") = secret;
    }
    document
}
