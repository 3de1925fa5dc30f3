//! Commands that people give to single boxes: what there is to ask for, how long it may take, what became of it.
//!
//! Everything that a site is to *have* is its desired state, and no command. A command has an id and a deadline, is on
//! record before it leaves, and is told once: a box of protocol 2 says when it has it on its disk, does nothing twice, and
//! repeats its answer until that is committed here. How they travel is in [`crate::live`].

pub mod jobs;
mod request;
pub mod routes;
mod store;

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::row;
use crate::ids::{CommandId, SiteId, UserId};

pub use request::NewCommand;

/// What a box can be asked to do.
///
/// Not in it, although boxes of NeoPro 1 know them: `deploy_video` and `delete_video`, which are the work of
/// deployments, and `update_software`, which would let a session run any program on a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CommandType)]
pub enum Kind {
    /// Start the machine anew.
    Reboot,
    /// Start one of its services anew.
    RestartService,
    /// The last lines of a service's log.
    GetLogs,
    /// What the machine is, and its figures.
    GetSystemInfo,
    /// The club's configuration.
    GetConfig,
    /// The club's own Wi-Fi, without its password.
    GetHotspotConfig,
    /// Whether it reaches the internet and this server.
    NetworkDiagnostics,
    /// Another name or password of the club's own Wi-Fi.
    UpdateHotspot,
    /// Another configuration of the club.
    UpdateConfig,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Reboot,
        Self::RestartService,
        Self::GetLogs,
        Self::GetSystemInfo,
        Self::GetConfig,
        Self::GetHotspotConfig,
        Self::NetworkDiagnostics,
        Self::UpdateHotspot,
        Self::UpdateConfig,
    ];

    /// The word on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reboot => "reboot",
            Self::RestartService => "restart_service",
            Self::GetLogs => "get_logs",
            Self::GetSystemInfo => "get_system_info",
            Self::GetConfig => "get_config",
            Self::GetHotspotConfig => "get_hotspot_config",
            Self::NetworkDiagnostics => "network_diagnostics",
            Self::UpdateHotspot => "update_hotspot",
            Self::UpdateConfig => "update_config",
        }
    }

    /// How long a box may take from the moment at which it is told; as in NeoPro 1.
    #[must_use]
    pub fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::GetSystemInfo | Self::GetConfig | Self::GetHotspotConfig => 15,
            Self::GetLogs | Self::NetworkDiagnostics | Self::UpdateConfig => 30,
            Self::Reboot | Self::RestartService | Self::UpdateHotspot => 60,
        })
    }

    /// Whether it waits for a box that is away. What somebody wants to look at now is of no use tomorrow.
    #[must_use]
    pub fn can_wait(self) -> bool {
        matches!(self, Self::Reboot | Self::RestartService | Self::UpdateHotspot | Self::UpdateConfig)
    }

    /// Whether a box of protocol 1 changes its configuration file for it, which it does without a lock.
    #[must_use]
    pub fn writes_configuration(self) -> bool {
        self == Self::UpdateConfig
    }

    /// The words, for a sentence.
    fn words() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == word).ok_or(())
    }
}

/// What became of a command that was just given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandSent {
    /// Whether it is told, or waits. `false` when the box is away and the command does not wait.
    pub success: bool,
    /// It is told to the box.
    pub sent: bool,
    /// It waits for the box.
    pub queued: bool,
    /// Its id, by which its state can be asked for; empty when there is none.
    pub command_id: String,
    /// The same in a sentence.
    pub message: &'static str,
}

impl CommandSent {
    /// On its way.
    #[must_use]
    pub fn told(id: CommandId) -> Self {
        Self::new(true, false, id.to_string(), "La commande est envoyée au boîtier.")
    }

    /// Waiting for the box to come back.
    #[must_use]
    pub fn waits(id: CommandId) -> Self {
        let message = "Le boîtier n'est pas connecté : la commande partira dès son retour.";
        Self::new(false, true, id.to_string(), message)
    }

    /// Waiting for the box to have done what it is at.
    #[must_use]
    pub fn waits_its_turn(id: CommandId) -> Self {
        let message = "Le boîtier est occupé : la commande partira dès qu'il aura terminé.";
        Self::new(false, true, id.to_string(), message)
    }

    /// Neither.
    #[must_use]
    pub fn away() -> Self {
        let message = "Le boîtier n'est pas connecté, et cette commande n'attend pas son retour.";
        Self::new(false, false, String::new(), message)
    }

    /// Given before under the same id, and in this state.
    #[must_use]
    pub fn known(id: CommandId, state: &str) -> Self {
        let message = match state {
            "pending" => "Cette commande attend déjà le boîtier.",
            "executing" => "Cette commande est déjà envoyée au boîtier.",
            "timeout" => "Cette commande a été abandonnée : le boîtier n'a pas répondu à temps.",
            _ => "Cette commande est terminée.",
        };
        Self::new(state != "pending", state == "pending", id.to_string(), message)
    }

    fn new(sent: bool, queued: bool, command_id: String, message: &'static str) -> Self {
        Self { success: sent || queued, sent, queued, command_id, message }
    }
}

row! {
    /// A command on record.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct CommandView {
        /// Its id.
        pub id: CommandId,
        /// Whose box it is for.
        pub site_id: SiteId,
        /// What the box is to do.
        pub command_type: String,
        /// With what. A secret is there, as `********`.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub command_data: Option<Value>,
        /// `pending` (waits for its box), `executing`, `completed`, `failed`, or `timeout`: given up.
        pub status: String,
        /// What the box answered, without its secrets.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub result: Option<Value>,
        /// Why it failed or was given up.
        pub error_message: Option<String>,
        /// Who gave it; null for what the server tells by itself.
        pub executed_by: Option<UserId>,
        /// When it was given.
        pub created_at: Time,
        /// When the box was told.
        pub executed_at: Option<Time>,
        /// When it had it on its disk, or answered. Boxes of NeoPro 1 only answer.
        pub received_at: Option<Time>,
        /// When it is given up, or was to be.
        pub deadline: Option<Time>,
        /// When it ended.
        pub completed_at: Option<Time>,
        /// Its own id if it waited for its box: a command that waits is on the same record.
        #[schema(value_type = Option<String>, format = "uuid")]
        pub pending_command_id: Option<Uuid>,
    }
}

/// The largest part of a command that the journal keeps whole, in bytes of JSON: a configuration may be a megabyte, and
/// stays on record with its command.
const KEPT_WHOLE: usize = 16 * 1024;

/// For the journal: what was sent. `data` is without its secrets; of a part that is too large its length and its SHA-256
/// show which one it was.
#[must_use]
pub fn noted(kind: Kind, data: &Value) -> Value {
    let brief = |part: &Value| {
        let text = part.to_string();
        if text.len() <= KEPT_WHOLE {
            return part.clone();
        }
        json!({ "bytes": text.len(), "sha256": data_encoding::HEXLOWER.encode(&Sha256::digest(&text)) })
    };
    let parts = data.as_object().into_iter().flatten().map(|(name, part)| (name.clone(), brief(part)));
    json!({ "command": kind.name(), "params": parts.collect::<serde_json::Map<_, _>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_keeps_what_was_sent_and_of_the_large_which_it_was() {
        let data = json!({"ssid": "Club", "password": "********"});
        assert_eq!(noted(Kind::UpdateHotspot, &data), json!({"command": "update_hotspot", "params": data}));
        assert_eq!(noted(Kind::Reboot, &json!({})), json!({"command": "reboot", "params": {}}));
        let large = |letter: &str| {
            let part = json!({ "a": letter.repeat(KEPT_WHOLE) });
            noted(Kind::UpdateConfig, &json!({"mode": "merge", "configuration": part}))
        };
        let told = large("x");
        assert_eq!(told["params"]["mode"], "merge");
        assert_eq!(told["params"]["configuration"]["bytes"], KEPT_WHOLE + 8);
        assert!(told.to_string().len() < 300 && told != large("y"), "{told}");
    }

    #[test]
    fn the_words_are_those_on_the_wire() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.name());
        }
        for word in ["deploy_video", "delete_video", "update_software", "update_settings", "REBOOT", ""] {
            assert_eq!(word.parse::<Kind>(), Err(()), "{word}");
        }
    }

    #[test]
    fn what_somebody_wants_to_see_now_does_not_wait() {
        let waiting: Vec<&str> = Kind::ALL.into_iter().filter(|kind| kind.can_wait()).map(Kind::name).collect();
        assert_eq!(waiting, ["reboot", "restart_service", "update_hotspot", "update_config"]);
    }
}
