//! What an answer of Supabase Storage, or of a gateway before it, means.

use serde_json::Value;

use crate::storage::{Bucket, Trouble};

/// What a failure means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is no such object.
    NotThere,
    /// There is no such bucket, or it is private and this was a reader.
    NoBucket,
    /// Something of this name is there already.
    Taken,
    /// The object is larger than one may be.
    TooLarge,
    /// A policy says no. The text is for the log.
    Denied(String),
    /// A fault of ours or of nobody's that has no name. The text is for the log.
    Other(String),
    /// What concerns the storage as a whole.
    Trouble(Trouble),
}

impl Verdict {
    /// The same, where it is nothing that the call has an answer for.
    pub(super) fn trouble(self, bucket: Bucket) -> Trouble {
        match self {
            Self::NoBucket => Trouble::Missing(bucket, "the storage knows no such bucket".into()),
            Self::Denied(why) => Trouble::WriteRefused(bucket, why),
            Self::TooLarge => Trouble::TooLarge(0, None),
            Self::NotThere => Trouble::Odd("no such object".into()),
            Self::Taken => Trouble::Odd("the name is taken".into()),
            Self::Other(why) => Trouble::Odd(why),
            Self::Trouble(trouble) => trouble,
        }
    }

    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Trouble(trouble) if trouble.may_pass())
    }
}

/// The most of a foreign text that goes into the log.
const MOST_WORDS: usize = 200;

/// Judges a failed answer: by the `code` in its body, else by the `statusCode` there, else by its own status.
pub(super) fn judge(http: u16, body: &[u8]) -> Verdict {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |field: &str| said[field].as_str().unwrap_or_default();
    let (code, message) = (text("code"), text("message"));
    let told = match &said["statusCode"] {
        Value::String(status) => status.parse().ok(),
        Value::Number(status) => status.as_u64().and_then(|status| u16::try_from(status).ok()),
        _ => None,
    };
    let words: String = match message.is_empty() {
        true => String::from_utf8_lossy(body).chars().filter(|char| !char.is_control()).take(MOST_WORDS).collect(),
        false => message.chars().take(MOST_WORDS).collect(),
    };
    let why = format!("HTTP {http} {code}: {words}");
    match code {
        "NoSuchKey" => Verdict::NotThere,
        "NoSuchBucket" => Verdict::NoBucket,
        "KeyAlreadyExists" | "BucketAlreadyExists" | "ResourceAlreadyExists" => Verdict::Taken,
        "EntityTooLarge" => Verdict::TooLarge,
        "AccessDenied" if words.contains("row-level security") => Verdict::Denied(why),
        "AccessDenied" | "InvalidJWT" | "SignatureDoesNotMatch" => Verdict::Trouble(Trouble::Key(why)),
        "TenantNotFound" => Verdict::Trouble(Trouble::Project(why)),
        "SlowDown" | "ResourceLocked" | "LockTimeout" | "DatabaseTimeout" | "TransactionError" => {
            Verdict::Trouble(Trouble::Away(why))
        }
        "DatabaseReadOnly" => Verdict::Trouble(Trouble::Full(why)),
        _ => by_status(http, told.unwrap_or(http), why),
    }
}

fn by_status(http: u16, status: u16, why: String) -> Verdict {
    match (http, status) {
        (402, _) => Verdict::Trouble(Trouble::Full(why)),
        (540, _) => Verdict::Trouble(Trouble::Paused),
        // Before newer servers had codes, the message told a bucket from an object.
        (_, 404) if why.contains("Bucket not found") => Verdict::NoBucket,
        (_, 404) if why.contains("Object not found") => Verdict::NotThere,
        // What answers there is no storage.
        (404, _) => Verdict::Trouble(Trouble::Project(why)),
        (_, 401 | 403) => Verdict::Trouble(Trouble::Key(why)),
        (_, 409) => Verdict::Taken,
        (_, 413) => Verdict::TooLarge,
        (_, 408 | 423 | 429 | 500..) => Verdict::Trouble(Trouble::Away(why)),
        _ => Verdict::Other(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(http: u16, status: &str, code: &str, message: &str) -> Verdict {
        let body = json!({ "statusCode": status, "error": "x", "message": message, "code": code });
        judge(http, body.to_string().as_bytes())
    }

    #[test]
    fn the_code_counts_before_either_status() {
        assert_eq!(of(400, "404", "NoSuchKey", "Object not found"), Verdict::NotThere);
        assert_eq!(of(404, "404", "NoSuchBucket", "Bucket not found"), Verdict::NoBucket);
        assert_eq!(of(400, "409", "KeyAlreadyExists", "The resource already exists"), Verdict::Taken);
        assert_eq!(of(400, "413", "EntityTooLarge", "The object exceeded"), Verdict::TooLarge);
        assert!(of(429, "429", "SlowDown", "too many").may_pass());
        assert!(of(400, "423", "ResourceLocked", "locked").may_pass());
        assert!(!of(400, "400", "InvalidKey", "Invalid key: é").may_pass());
        let denied = of(400, "403", "AccessDenied", "new row violates row-level security policy");
        assert!(matches!(denied, Verdict::Denied(_)));
        let wrong = of(400, "403", "AccessDenied", "Invalid Compact JWS");
        assert!(matches!(wrong, Verdict::Trouble(Trouble::Key(_))));
        assert!(matches!(of(503, "503", "DatabaseReadOnly", "read-only"), Verdict::Trouble(Trouble::Full(_))));
    }

    #[test]
    fn without_a_code_the_status_in_the_body_counts_and_then_that_of_http() {
        assert_eq!(of(400, "404", "", "Bucket not found"), Verdict::NoBucket);
        assert_eq!(of(400, "409", "", "Duplicate"), Verdict::Taken);
        let key = judge(401, br#"{"message":"Invalid API key","hint":"x"}"#);
        assert!(matches!(key, Verdict::Trouble(Trouble::Key(_))));
        for (http, page) in [(402, &b"{\"message\":\"exceed_egress_quota\"}"[..]), (402, b"<html>")] {
            assert!(matches!(judge(http, page), Verdict::Trouble(Trouble::Full(_))));
        }
        assert_eq!(judge(540, b"<html>paused</html>"), Verdict::Trouble(Trouble::Paused));
        for http in [500, 502, 503, 520, 522, 544, 408, 429] {
            assert!(judge(http, b"<html>\x01</html>").may_pass(), "{http}");
        }
        assert!(matches!(judge(404, b"no such page"), Verdict::Trouble(Trouble::Project(_))));
    }
}
