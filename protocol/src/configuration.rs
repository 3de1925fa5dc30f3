//! `configuration.json`: a club's own document. It is kept as it is, byte for byte; what is read from it, and what
//! leaves the box, are views.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const MASK: &str = "********";

/// Parts of names under which secrets stand, in lower case and without `_` and `-`.
const SECRET_NAMES: [&str; 8] = ["password", "passwd", "passphrase", "secret", "token", "apikey", "psk", "privatekey"];

/// Whether the value under this name is a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// Splits a document: itself with every secret masked, and the secrets by their JSON pointer (RFC 6901).
/// A name whose value is null, a boolean, or an empty text holds no secret and stays.
#[must_use]
pub fn split(mut document: Value) -> (Value, Map<String, Value>) {
    let mut secrets = Map::new();
    take_out(&mut document, &mut String::new(), &mut secrets);
    (document, secrets)
}

fn take_out(value: &mut Value, pointer: &mut String, secrets: &mut Map<String, Value>) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                let holds_one = !matches!(member, Value::Null | Value::Bool(_)) && member.as_str() != Some("");
                if is_secret(name) && holds_one {
                    secrets.insert(pointer.clone(), std::mem::replace(member, MASK.into()));
                } else {
                    take_out(member, pointer, secrets);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(members) => {
            for (index, member) in members.iter_mut().enumerate() {
                pointer.push_str(&format!("/{index}"));
                take_out(member, pointer, secrets);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// The document's text without its secrets: their members are left out, everything else stays as it was written,
/// in its order and with its numbers.
///
/// # Errors
/// It is not JSON, or nested deeper than [`serde_json`] reads (128).
pub fn public_text(text: &str) -> Result<String, serde_json::Error> {
    // Raw values are passed over however deep they are; the walk below is not to go there.
    serde_json::from_str::<Value>(text)?;
    let document: &RawValue = serde_json::from_str(text)?;
    let mut out = String::with_capacity(text.len());
    write_public(document, &mut out)?;
    Ok(out)
}

fn write_public(value: &RawValue, out: &mut String) -> Result<(), serde_json::Error> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            out.push('{');
            let shown = members.iter().filter(|(name, _)| !is_secret(name));
            for (index, (name, member)) in shown.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(name)?);
                out.push(':');
                write_public(member, out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let members: Vec<&RawValue> = serde_json::from_str(text)?;
            out.push('[');
            for (index, member) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_public(member, out)?;
            }
            out.push(']');
        }
        _ => out.push_str(text),
    }
    Ok(())
}

/// An object's members in the order in which they were written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for Visitor<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

/// What the TV needs of the document; what is missing or of another type is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClubView {
    /// The club's name.
    pub club_name: Option<String>,
    /// `fr`, `en` or `es`.
    pub language: Option<String>,
    /// The global loop, in its order.
    pub sponsors: Vec<LoopEntry>,
}

/// One entry of a loop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoopEntry {
    /// What people call it.
    pub name: String,
    /// Where it is, relative to the box's root: `videos/<category>/<file>`.
    pub path: String,
    /// The video's id in the central library.
    pub video_id: Option<String>,
    /// How long a picture is shown, in seconds.
    pub seconds: Option<u32>,
}

/// Reads what the TV needs.
#[must_use]
pub fn club_view(document: &Value) -> ClubView {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let sponsors = document["sponsors"].as_array().map(Vec::as_slice).unwrap_or_default();
    ClubView {
        club_name: text(&document["auth"]["clubName"])
            .or_else(|| text(&document["sync"]["clubName"]))
            .or_else(|| text(&document["club_name"])),
        language: text(&document["settings"]["language"]).or_else(|| text(&document["language"])),
        sponsors: sponsors
            .iter()
            .filter_map(|entry| {
                Some(LoopEntry {
                    path: text(&entry["path"])?,
                    name: text(&entry["name"]).unwrap_or_default(),
                    video_id: text(&entry["video_id"]),
                    seconds: entry["duration"].as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
                })
            })
            .collect(),
    }
}

/// The central ids of the videos that a configuration of protocol 1 holds, with the file of each: where the old
/// agent has put it.
#[must_use]
pub fn deployed_videos(document: &Value) -> Vec<DeployedVideo> {
    let mut found = Vec::new();
    for category in document["categories"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let name = category["name"].as_str();
        collect(&category["videos"], name, None, &mut found);
        for sub in category["subCategories"].as_array().map(Vec::as_slice).unwrap_or_default() {
            collect(&sub["videos"], name, sub["name"].as_str(), &mut found);
        }
    }
    found
}

/// A video of the central library in a configuration of protocol 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedVideo {
    /// The video's id.
    pub video_id: uuid::Uuid,
    /// The name of its file.
    pub filename: Option<String>,
    /// The category's name.
    pub category: Option<String>,
    /// The subcategory's name.
    pub subcategory: Option<String>,
}

fn collect(videos: &Value, category: Option<&str>, subcategory: Option<&str>, found: &mut Vec<DeployedVideo>) {
    for video in videos.as_array().map(Vec::as_slice).unwrap_or_default() {
        let Some(video_id) = video["video_id"].as_str().and_then(|id| uuid::Uuid::parse_str(id).ok()) else { continue };
        let of_path = || video["path"].as_str().and_then(|path| path.rsplit('/').next());
        found.push(DeployedVideo {
            video_id,
            filename: video["filename"].as_str().or_else(of_path).map(str::to_owned),
            category: category.map(str::to_owned),
            subcategory: subcategory.map(str::to_owned),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_but_secrets_is_served_as_it_was_written() {
        let text = r#"{"z":1.50,"auth":{"clubName":"CA Vitré","password":"pw","sessionDuration":28800000},"a":[{"wifiPassword":"x","name":"é","n":1e3}],"unknown":{"b":null,"a":12345678901234567890123}}"#;
        assert_eq!(
            public_text(text).expect("JSON"),
            r#"{"z":1.50,"auth":{"clubName":"CA Vitré","sessionDuration":28800000},"a":[{"name":"é","n":1e3}],"unknown":{"b":null,"a":12345678901234567890123}}"#
        );
        assert!(public_text("{\"a\":").is_err());
        assert!(public_text("").is_err());
        assert!(public_text(&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
    }

    #[test]
    fn secrets_are_taken_apart_and_nothing_else() {
        let document = json!({
            "auth": {"password": "pw", "clubName": "C"}, "list": [{"api_key": "k"}], "a/b~c": {"secret": {"x": 1}},
            "empty": {"password": ""}, "flags": {"token": null, "hasPassword": true},
        });
        let (masked, secrets) = split(document);
        let text = masked.to_string();
        assert!(!text.contains("pw") && !text.contains("\"k\"") && !text.contains("\"x\""), "{text}");
        let places =
            [("/auth/password", json!("pw")), ("/list/0/api_key", json!("k")), ("/a~1b~0c/secret", json!({"x": 1}))];
        assert_eq!(secrets, places.into_iter().map(|(place, secret)| (place.to_owned(), secret)).collect());
        assert_eq!(masked.pointer("/list/0/api_key"), Some(&json!(MASK)), "the places are pointers into the document");
        assert_eq!(masked["flags"]["hasPassword"], true);
    }

    #[test]
    fn the_tv_reads_what_is_there_and_no_more() {
        let view = club_view(&json!({
            "auth": {"clubName": " CA Vitré "}, "settings": {"language": "fr"},
            "sponsors": [{"name": "Boulangerie", "path": "videos/S/a.mp4", "type": "video/mp4"}, {"name": "sans fichier"}, 7],
        }));
        assert_eq!(view.club_name.as_deref(), Some("CA Vitré"));
        assert_eq!(view.sponsors.len(), 1);
        assert_eq!(club_view(&json!([])), ClubView::default());
    }

    #[test]
    fn deployed_videos_are_found_by_their_id() {
        let id = "0193d5a8-0000-7000-8000-000000000001";
        let found = deployed_videos(&json!({"categories": [
            {"name": "SPONSORS", "videos": [{"name": "a", "path": "videos/SPONSORS/A.mp4", "video_id": id}, {"name": "local"}],
             "subCategories": [{"name": "Or", "videos": [{"filename": "b.mp4", "video_id": id}]}]},
        ]}));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].filename.as_deref(), Some("A.mp4"));
        assert_eq!((found[1].subcategory.as_deref(), found[1].filename.as_deref()), (Some("Or"), Some("b.mp4")));
    }
}
