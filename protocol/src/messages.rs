//! The messages of protocol 2. Names on the wire are those of the field: camel case.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Box → server `authenticate`. Boxes of protocol 1 send the first two fields alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authenticate {
    /// Which site it is.
    pub site_id: String,
    /// Its key: 64 hexadecimal digits.
    pub api_key: String,
    /// 2; absent for boxes of protocol 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The version of its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Its Ed25519 public key, 32 bytes in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_key: Option<String>,
    /// What it can do beyond the protocol's core.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The revision of the desired state that it has persisted; 0 for none. The server sends nothing that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// Without the key: what is printed may be logged.
impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate")
            .field("site_id", &self.site_id)
            .field("protocol", &self.protocol)
            .field("agent_version", &self.agent_version)
            .field("capabilities", &self.capabilities)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Server → box `authenticated`. Boxes of protocol 1 get the first two fields alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authenticated {
    /// A sentence.
    pub message: String,
    /// Which site it is.
    pub site_id: String,
    /// 2; absent from servers of NeoPro 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The server's time, ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time: Option<String>,
    /// Origins (`https://host[:port]`) from which media may be fetched, and no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media_origins: Vec<String>,
}

/// Server → box `desired`: all that the box is to have. Answered with [`RevisionAck`] once it is persisted.
///
/// A box that has this revision, or a later one, already, does nothing and acknowledges all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Desired {
    /// Grows by one with every change of the site's desired state.
    pub revision: i64,
    /// The files, in the order in which they were put there.
    pub media: Vec<Media>,
    /// The revision of the configuration; `None` while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_revision: Option<i64>,
    /// The software; `None` while no version is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
}

/// A file that a box is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// The video's id.
    pub id: Uuid,
    /// The SHA-256 of its bytes, 64 lower-case hexadecimal digits. The file's identity: the same bytes are never
    /// fetched twice.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is; fetched only if its origin was announced.
    pub url: String,
    /// What people call it.
    pub name: String,
    /// Where it belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where it belongs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subcategory: Option<String>,
    /// `video/mp4`, `video/quicktime`, `image/jpeg`, `image/png` or `image/webp`.
    #[serde(default = "mp4")]
    pub media_type: String,
    /// How long a picture is shown, in seconds; for videos what the server knows about their length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Whether it plays in the loop by itself; otherwise only when somebody asks for it.
    #[serde(default)]
    pub in_loop: bool,
    /// Another number asks for another try of what had failed for good.
    #[serde(default)]
    pub attempt: u32,
}

fn mp4() -> String {
    "video/mp4".into()
}

/// The acknowledgement of `desired`: this revision is persisted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RevisionAck {
    /// The revision that the box has now.
    pub revision: i64,
}

/// Box → server `reported`: all that the box has. Sent after a connection and after each change, and again until
/// it is answered with [`ReportedAck`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reported {
    /// The revision that the box has worked from.
    pub revision: i64,
    /// Grows with every report of this box, also over restarts: a report that comes twice counts once.
    pub sequence: i64,
    /// Every file that is wanted or still there.
    pub inventory: Vec<Item>,
    /// What is there and should not be, or should be and was not, since the last report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Bytes free on the disk of the videos; `None` when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
}

/// The acknowledgement of `reported`: this report is committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportedAck {
    /// Which report.
    pub sequence: i64,
}

/// One file on a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The video's id.
    pub id: Uuid,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// How far it is.
    pub state: ItemState,
    /// How many times the box has begun to fetch it.
    #[serde(default)]
    pub attempts: u32,
    /// Why it is not there, or why the last try ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same in a sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Wanted, not begun; or waiting for the next try.
    Pending,
    /// On its way.
    Downloading,
    /// There, whole, with the right hash.
    Installed,
    /// Given up until something changes.
    Failed,
    /// Anything that this version does not know: not there yet, as far as it can tell.
    #[serde(other)]
    Other,
}

/// Why a file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The bytes have another hash than announced.
    ChecksumMismatch,
    /// The size is another than announced.
    SizeMismatch,
    /// There is no room for it.
    DiskFull,
    /// The address is not of an announced origin.
    OriginRefused,
    /// The storage says that it does not exist, or does not give it.
    NotFound,
    /// The network, or the storage, had trouble; it is tried again.
    Network,
    /// The disk had trouble.
    Disk,
    /// It is there, and the screen cannot play it.
    Unplayable,
    /// Anything that this version does not know.
    #[serde(other)]
    Other,
}

impl Reason {
    /// The word on the wire and in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::SizeMismatch => "size_mismatch",
            Self::DiskFull => "disk_full",
            Self::OriginRefused => "origin_refused",
            Self::NotFound => "not_found",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Unplayable => "unplayable",
            Self::Other => "other",
        }
    }
}

/// A difference between what the box had noted and what it found on its disk. It is mended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// What is different.
    pub kind: DriftKind,
    /// The file's name.
    pub name: String,
}

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// It was noted as installed and is not there.
    Missing,
    /// Its bytes are others.
    Changed,
    /// Nobody knows it.
    Unknown,
}

/// Server → box `command`: something that is to be done once. With protocol 2 it is acknowledged with [`CommandAck`]
/// once the box has it on its disk, and told again on each new connection until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its id: a command that comes again is not done again.
    pub id: Uuid,
    /// What is to be done.
    #[serde(rename = "type")]
    pub kind: String,
    /// With what.
    #[serde(default)]
    pub data: Value,
}

/// The acknowledgement of `command` by a box, and of `command_result` by the server: it is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandAck {
    /// Which command.
    pub command_id: Uuid,
}

/// Box → server `command_result`: how a command ended. With protocol 2 it is sent again until it is answered with
/// [`CommandAck`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandResult {
    /// Which command.
    pub command_id: Uuid,
    /// Whether it was done.
    pub status: CommandStatus,
    /// What came out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it was not done, in a sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a command was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandStatus {
    /// It was.
    Success,
    /// It was not, or anything that this version does not know.
    #[serde(other)]
    Error,
}

/// Box → server `deploy_progress`, at most once in two seconds for each file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The video's id.
    pub video_id: Uuid,
    /// Percent.
    pub progress: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_has_a_default_and_what_is_unknown_is_ignored() {
        let desired: Desired = serde_json::from_str(
            r#"{"revision":3,"later":{"x":1},"media":[{"id":"0193d5a8-0000-7000-8000-000000000001",
                "sha256":"ab","bytes":5,"url":"https://s/x.mp4","name":"But","new":true}]}"#,
        )
        .expect("readable");
        assert_eq!(desired.revision, 3);
        let media = &desired.media[0];
        assert_eq!((media.media_type.as_str(), media.in_loop, media.attempt), ("video/mp4", false, 0));
        let item: Item = serde_json::from_str(
            r#"{"id":"0193d5a8-0000-7000-8000-000000000001","sha256":"ab","state":"new_word","reason":"new_word"}"#,
        )
        .expect("readable");
        assert_eq!((item.state, item.reason), (ItemState::Other, Some(Reason::Other)));
    }

    #[test]
    fn an_old_box_sends_two_fields_and_gets_two_fields() {
        let old: Authenticate = serde_json::from_str(r#"{"siteId":"s","apiKey":"k"}"#).expect("readable");
        assert_eq!((old.protocol, old.revision), (None, None));
        assert!(!format!("{:?}", Authenticate { api_key: "secret".into(), ..old }).contains("secret"));
        let answer = Authenticated { message: "m".into(), site_id: "s".into(), ..Authenticated::default() };
        assert_eq!(serde_json::to_string(&answer).expect("JSON"), r#"{"message":"m","siteId":"s"}"#);
    }

    #[test]
    fn commands_are_those_of_the_field() {
        let id = "0193d5a8-0000-7000-8000-000000000001";
        let command: Command =
            serde_json::from_str(&format!(r#"{{"id":"{id}","type":"reboot","later":1}}"#)).expect("readable");
        assert_eq!((command.kind.as_str(), &command.data), ("reboot", &Value::Null));
        let result = CommandResult {
            command_id: command.id,
            status: CommandStatus::Error,
            result: None,
            error: Some("non".into()),
        };
        assert_eq!(
            serde_json::to_string(&result).expect("JSON"),
            format!(r#"{{"commandId":"{id}","status":"error","error":"non"}}"#)
        );
        assert_eq!(serde_json::from_str::<CommandStatus>(r#""new_word""#).expect("readable"), CommandStatus::Error);
    }

    #[test]
    fn the_words_of_reasons_are_those_on_the_wire() {
        for reason in [Reason::ChecksumMismatch, Reason::DiskFull, Reason::OriginRefused, Reason::Unplayable] {
            assert_eq!(serde_json::to_value(reason).expect("JSON"), reason.code());
        }
    }
}
