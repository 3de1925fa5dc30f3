//! What is asked for: a command with what belongs to it, field by field. Boxes of NeoPro 1 put parameters into a shell's
//! line and files into their own folder, so nothing reaches them that is not known here.

use std::time::Duration;

use neopro_protocol::configuration;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Kind;
use crate::http::{Form, FromForm};
use crate::ids::CommandId;

/// The services of a box.
const SERVICES: [&str; 6] = ["neopro-app", "neopro-admin", "neopro-sync-agent", "nginx", "hostapd", "neopro-kiosk"];
/// The service whose log is shown when none is named.
const MAIN_SERVICE: &str = "neopro-app";
/// The most lines of a log.
const MOST_LINES: i64 = 5_000;
/// The largest configuration, in kilobytes.
const MOST_CONFIGURATION: usize = 900;
/// How long a command waits for a box that is away, unless somebody says otherwise.
const WAITS: Duration = Duration::from_secs(24 * 3_600);
/// The longest that it may wait, in milliseconds: as long as it stays on record.
const LONGEST_WAIT: i64 = 90 * 24 * 3_600 * 1_000;

/// A command that is given.
#[derive(Debug, ToSchema)]
pub struct NewCommand {
    /// What the box is to do.
    #[schema(rename = "command")]
    pub kind: Kind,
    /// With what: `service` (`restart_service`, `get_logs`), `lines` (`get_logs`), `ssid` and `password`
    /// (`update_hotspot`), `configuration` or `neoProContent`, and `mode` (`update_config`).
    #[schema(value_type = Object, additional_properties, required = false, nullable = false)]
    pub params: Value,
    /// Whether it waits for a box that is away; `true` without it.
    #[schema(rename = "queueIfOffline", required = false, nullable = false)]
    pub queue_if_offline: bool,
    /// 1 goes first, 10 last, among those that wait for the same box; 5 without it.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 10)]
    pub priority: i16,
    /// How long it waits, in milliseconds; a day without it.
    #[schema(rename = "expiresIn", value_type = i64, required = false, nullable = false, minimum = 1)]
    pub expires_in: Duration,
    /// Its id, made by the caller. Given once more with the same id, nothing is sent and the state is answered.
    #[schema(rename = "commandId", required = false, nullable = false)]
    pub command_id: Option<CommandId>,
}

impl FromForm for NewCommand {
    const LIMIT: usize = 1024 * 1024;

    fn read(form: &mut Form) -> Option<Self> {
        let kind = form.choice("command", &Kind::words());
        if kind.is_none() && !form.has_problem("command") {
            form.problem("command", format!("Ce champ est obligatoire. Valeurs possibles : {}.", Kind::words()));
        }
        let params = kind.and_then(|kind| params(kind, form));
        let queue_if_offline = form.flag("queueIfOffline").unwrap_or(true);
        // Old scripts send 0 for "as usual".
        let priority = form.integer("priority", 0..=10).filter(|priority| *priority > 0).unwrap_or(5);
        let expires_in = form.integer("expiresIn", 1..=LONGEST_WAIT).and_then(|wait| u64::try_from(wait).ok());
        let command_id = form.optional_id("commandId");
        Some(Self {
            kind: kind?,
            params: params?,
            queue_if_offline,
            priority: i16::try_from(priority).ok()?,
            expires_in: expires_in.map_or(WAITS, Duration::from_millis),
            command_id,
        })
    }
}

/// What goes to the box beside the command's word.
fn params(kind: Kind, form: &mut Form) -> Option<Value> {
    match kind {
        Kind::RestartService => form.part("params").map(|Restart(params)| params),
        Kind::GetLogs => form.part("params").map(|Logs(params)| params),
        Kind::UpdateHotspot => form.part("params").map(|Hotspot(params)| params),
        Kind::UpdateConfig => form.part("params").map(|Config(params)| params),
        Kind::Reboot | Kind::GetSystemInfo | Kind::GetConfig | Kind::GetHotspotConfig | Kind::NetworkDiagnostics => {
            Some(json!({}))
        }
    }
}

struct Restart(Value);

impl FromForm for Restart {
    fn read(form: &mut Form) -> Option<Self> {
        let service = form.text("service", 64)?;
        if !SERVICES.contains(&service.as_str()) {
            form.problem("service", format!("Valeurs possibles : {}.", SERVICES.join(", ")));
        }
        Some(Self(json!({ "service": service })))
    }
}

struct Logs(Value);

impl FromForm for Logs {
    fn read(form: &mut Form) -> Option<Self> {
        let service = form.optional_text("service", 64).unwrap_or_else(|| MAIN_SERVICE.to_owned());
        // Of its own log the agent of NeoPro 1 speaks by another name.
        if !SERVICES.contains(&service.as_str()) && service != "sync-agent" {
            form.problem("service", format!("Valeurs possibles : {}, sync-agent.", SERVICES.join(", ")));
        }
        let lines = form.integer("lines", 1..=MOST_LINES).unwrap_or(100);
        Some(Self(json!({ "service": service, "lines": lines })))
    }
}

struct Hotspot(Value);

impl FromForm for Hotspot {
    fn read(form: &mut Form) -> Option<Self> {
        let ssid = form.optional_text("ssid", 32);
        let password = if form.has("password") { form.secret("password", 8) } else { None };
        if password.as_ref().is_some_and(|password| password.len() > 63 || password.chars().any(char::is_control)) {
            form.problem("password", "Un mot de passe Wi-Fi a de 8 à 63 caractères visibles.");
        }
        if ssid.is_none() && password.is_none() && !form.has_problem("ssid") && !form.has_problem("password") {
            form.problem("ssid", "Un nom de réseau ou un mot de passe est nécessaire.");
        }
        let mut params = json!({});
        for (name, value) in [("ssid", ssid), ("password", password)] {
            if let Some(value) = value {
                params[name] = value.into();
            }
        }
        Some(Self(params))
    }
}

struct Config(Value);

impl FromForm for Config {
    fn read(form: &mut Form) -> Option<Self> {
        let mode = form.optional_text("mode", 32);
        let whole = form.object_within("configuration", MOST_CONFIGURATION);
        let ours = form.object_within("neoProContent", MOST_CONFIGURATION);
        let named_wrongly = form.has_problem("configuration") || form.has_problem("neoProContent");
        match mode.as_deref() {
            None | Some("merge" | "replace") => {}
            Some("update_agent") => {
                form.problem("mode", "Le programme d'un boîtier ne se remplace pas par une commande.");
            }
            Some(_) => form.problem("mode", "Valeurs possibles : merge, replace."),
        }
        if whole.is_none() && ours.is_none() && !named_wrongly && !form.has_problem("mode") {
            form.problem("configuration", "Une configuration ou un contenu (neoProContent) est nécessaire.");
        }
        // A box of NeoPro 1 takes a merge for the whole list: categories that are not in it, it would delete.
        let mode = mode.or_else(|| whole.is_some().then(|| "replace".to_owned()));
        let merged = [
            ("neoProContent", ours.as_ref()),
            ("configuration", whole.as_ref().filter(|_| mode.as_deref() != Some("replace"))),
        ];
        for (name, content) in merged {
            if content.is_some_and(|content| !content["categories"].is_array()) {
                form.problem(&format!("{name}.categories"), "La liste complète des catégories est nécessaire.");
            }
        }
        let mut params = json!({});
        for (name, value) in [("mode", mode.map(Value::from)), ("configuration", whole), ("neoProContent", ours)] {
            if let Some(value) = value {
                params[name] = value;
            }
        }
        // What was read here has its secrets masked: written back, the mask would become the club's password.
        let (_, secrets) = configuration::split(params.clone());
        if let Some((place, _)) = secrets.iter().find(|(_, secret)| *secret == configuration::MASK) {
            let place = place.trim_start_matches('/').replace('/', ".");
            form.problem(&place, "Ce secret est masqué : saisissez-le, ou retirez ce champ.");
        }
        Some(Self(params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn read(body: Value) -> Result<NewCommand, Vec<String>> {
        let Value::Object(values) = body else { panic!("an object") };
        Form::new(values).into::<NewCommand>().map_err(|error| match error {
            Error::Invalid(fields) => fields.into_iter().map(|problem| problem.field).collect(),
            other => panic!("{other:?}"),
        })
    }

    fn sent(command: &str, params: Value) -> Result<Value, Vec<String>> {
        read(json!({"command": command, "params": params})).map(|command| command.params)
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let command = read(json!({"command": "reboot"})).expect("a command");
        assert_eq!((command.kind, command.priority, command.expires_in), (Kind::Reboot, 5, WAITS));
        assert!(command.queue_if_offline && command.command_id.is_none());
        let said = json!({"command": "reboot", "priority": 0, "expiresIn": 1500, "queueIfOffline": false,
            "commandId": "01a2140d-1e46-777d-ae1d-fcbbe9c1485a", "params": {"ignored": 1}});
        let command = read(said).expect("a command");
        assert_eq!((command.priority, command.expires_in), (5, Duration::from_millis(1500)));
        assert_eq!((command.queue_if_offline, command.params), (false, json!({})));
        let wrong =
            json!({"command": "format_disk", "priority": 11, "expiresIn": 0, "queueIfOffline": 3, "commandId": "x"});
        assert_eq!(
            read(wrong).expect_err("wrong"),
            ["command", "queueIfOffline", "priority", "expiresIn", "commandId"]
        );
        assert_eq!(read(json!({})).expect_err("nothing"), ["command"]);
    }

    #[test]
    fn nothing_that_is_not_known_reaches_a_shell() {
        assert_eq!(
            sent("restart_service", json!({"service": "nginx", "update": true})),
            Ok(json!({"service": "nginx"}))
        );
        for service in [json!("nginx; reboot"), json!("ssh"), json!(""), json!(null), json!(7), json!("$(id)")] {
            assert_eq!(
                sent("restart_service", json!({ "service": service })).expect_err("no service"),
                ["params.service"]
            );
        }
        assert!(sent("restart_service", json!("nginx")).is_err() && sent("restart_service", json!(null)).is_err());
        assert_eq!(sent("get_logs", json!(null)), Ok(json!({"service": "neopro-app", "lines": 100})));
        assert_eq!(
            sent("get_logs", json!({"service": "sync-agent", "lines": 7})),
            Ok(json!({"service": "sync-agent", "lines": 7}))
        );
        assert_eq!(
            sent("get_logs", json!({"service": "x y", "lines": 5_001})).expect_err("wrong"),
            ["params.service", "params.lines"]
        );
        assert_eq!(sent("update_hotspot", json!({"ssid": "Club"})), Ok(json!({"ssid": "Club"})));
        assert_eq!(sent("update_hotspot", json!({})).expect_err("nothing"), ["params.ssid"]);
        for password in ["short", "é\u{7}longer", &"x".repeat(64)] {
            assert_eq!(
                sent("update_hotspot", json!({ "password": password })).expect_err("wrong"),
                ["params.password"]
            );
        }
    }

    #[test]
    fn a_configuration_is_whole_and_without_masks() {
        assert_eq!(
            sent("update_config", json!({"configuration": {"a": 1}})),
            Ok(json!({"configuration": {"a": 1}, "mode": "replace"}))
        );
        let ours = json!({"neoProContent": {"categories": []}, "mode": "merge"});
        assert_eq!(sent("update_config", ours.clone()), Ok(ours));
        for (params, field) in [
            (json!({}), "params.configuration"),
            (json!({"mode": "merge"}), "params.configuration"),
            (json!({"configuration": []}), "params.configuration"),
            (json!({"configuration": {"categories": []}, "mode": "overwrite"}), "params.mode"),
            (json!({"mode": "update_agent", "agentFiles": {"src/agent.js": "x"}}), "params.mode"),
            (json!({"neoProContent": {"version": "2"}}), "params.neoProContent.categories"),
            (json!({"configuration": {"version": "2"}, "mode": "merge"}), "params.configuration.categories"),
            (json!({"configuration": {"auth": {"password": "********"}}}), "params.configuration.auth.password"),
        ] {
            assert_eq!(sent("update_config", params.clone()).expect_err("wrong"), [field], "{params}");
        }
    }
}
