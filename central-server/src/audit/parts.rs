//! What of a document the journal keeps in the open, what apart, and what not at all.

use serde_json::{Map, Value};

/// What stands in the place of a secret.
const BLOT: &str = "•••";

/// Words in the name of a field that is a secret.
const SECRET: [&str; 11] = [
    "password",
    "passwd",
    "secret",
    "token",
    "hash",
    "_key",
    "apikey",
    "private",
    "credential",
    "mfacode",
    "backup_code",
];

/// Names of fields that tell who a person is, in small letters and without `_`.
const PERSONAL: [&str; 14] = [
    "email",
    "fullname",
    "firstname",
    "lastname",
    "contactname",
    "contactemail",
    "contactphone",
    "phone",
    "recipient",
    "useremail",
    "username",
    "deployedbyname",
    "loginmark",
    "ipaddress",
];

/// Fields with such a word in their names that are none.
const HARMLESS: [&str; 2] = ["config_hash", "token_id"];

enum Nature {
    Open,
    Secret,
    Personal,
}

fn nature(name: &str) -> Nature {
    let name = name.to_ascii_lowercase();
    if !HARMLESS.contains(&name.as_str()) && SECRET.iter().any(|word| name.contains(word)) {
        return Nature::Secret;
    }
    let plain: String = name.chars().filter(|char| !matches!(char, '_' | '-')).collect();
    if PERSONAL.contains(&plain.as_str()) { Nature::Personal } else { Nature::Open }
}

/// A document without secrets and without persons, and what of it tells of persons, in the same places.
pub fn split(document: Value) -> (Value, Option<Value>) {
    match document {
        Value::Object(fields) => {
            let (mut open, mut apart) = (Map::new(), Map::new());
            for (name, value) in fields {
                match nature(&name) {
                    Nature::Secret if is_said(&value) => {
                        open.insert(name, BLOT.into());
                    }
                    Nature::Personal if is_said(&value) => {
                        apart.insert(name, value);
                    }
                    // That there is nothing is no secret: `null`, or whether there is one.
                    Nature::Secret | Nature::Personal => {
                        open.insert(name, value);
                    }
                    Nature::Open => {
                        let (rest, personal) = split(value);
                        apart.extend(personal.map(|personal| (name.clone(), personal)));
                        open.insert(name, rest);
                    }
                }
            }
            (Value::Object(open), (!apart.is_empty()).then_some(Value::Object(apart)))
        }
        // A list keeps its places, so that what is apart is found again by them.
        Value::Array(values) => {
            let (open, apart): (Vec<Value>, Vec<Option<Value>>) = values.into_iter().map(split).unzip();
            let personal = apart.iter().any(Option::is_some);
            let apart = apart.into_iter().map(Option::unwrap_or_default).collect();
            (Value::Array(open), personal.then_some(Value::Array(apart)))
        }
        other => (other, None),
    }
}

fn is_said(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(_))
}

/// The document again, with what of it was apart.
pub fn join(open: Option<Value>, apart: Option<&Value>) -> Option<Value> {
    match (open, apart) {
        (Some(Value::Object(mut fields)), Some(Value::Object(apart))) => {
            for (name, value) in apart {
                let joined = join(fields.remove(name), Some(value));
                fields.extend(joined.map(|joined| (name.clone(), joined)));
            }
            Some(Value::Object(fields))
        }
        (Some(Value::Array(values)), Some(Value::Array(apart))) => {
            let mut apart = apart.iter();
            Some(values.into_iter().filter_map(|value| join(Some(value), apart.next())).collect())
        }
        (None, Some(value)) => Some(value.clone()),
        (open, _) => open,
    }
}

/// Of two objects the fields that differ.
pub fn difference(before: Value, after: Value) -> (Value, Value) {
    match (before, after) {
        (Value::Object(mut before), Value::Object(mut after)) => {
            let same: Vec<String> = before
                .iter()
                .filter(|(name, value)| after.get(*name) == Some(value))
                .map(|(name, _)| name.clone())
                .collect();
            for name in same {
                before.remove(&name);
                after.remove(&name);
            }
            (Value::Object(before), Value::Object(after))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_blotted_out_and_persons_stand_apart() {
        let (open, apart) = split(json!({
            "role": "viewer", "email": "a@b.fr", "password": "x", "mfa_secret": null, "new_password_hash": "y",
            "contact": {"contact_name": "C", "city": "Pau", "apiKey": "k"}, "full_name": null,
            "people": [{"email": "c@d.fr"}, {"role": "admin"}], "token_id": true,
        }));
        assert_eq!(
            open,
            json!({
                "role": "viewer", "password": "•••", "mfa_secret": null, "new_password_hash": "•••",
                "contact": {"city": "Pau", "apiKey": "•••"}, "full_name": null,
                "people": [{}, {"role": "admin"}], "token_id": true,
            })
        );
        let apart = apart.expect("persons");
        assert_eq!(
            apart,
            json!({"email": "a@b.fr", "contact": {"contact_name": "C"}, "people": [{"email": "c@d.fr"}, null]})
        );
        let whole = join(Some(open), Some(&apart)).expect("a document");
        assert_eq!((&whole["email"], &whole["people"][0]["email"]), (&json!("a@b.fr"), &json!("c@d.fr")));
        assert_eq!((&whole["contact"]["city"], &whole["contact"]["contact_name"]), (&json!("Pau"), &json!("C")));
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let (before, after) = difference(json!({"a": 1, "b": 2, "c": 3}), json!({"a": 1, "b": 3, "d": 4}));
        assert_eq!((before, after), (json!({"b": 2, "c": 3}), json!({"b": 3, "d": 4})));
    }

    #[test]
    fn a_name_is_no_secret_by_accident() {
        for open in [
            "name",
            "site_name",
            "keyboard",
            "title",
            "checksum",
            "code",
            "token_id",
            "video_id",
            "monkey",
            "config_hash",
        ] {
            assert!(matches!(nature(open), Nature::Open), "{open}");
        }
        for secret in
            ["api_key", "Password", "password_confirm", "resetToken", "mfaCode", "backup_codes", "wifi_password"]
        {
            assert!(matches!(nature(secret), Nature::Secret), "{secret}");
        }
    }
}
