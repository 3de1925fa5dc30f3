//! Who may do what, beside the table of the routes (`contract.rs`): tokens of the API, what boxes say, and what stands
//! beside the API.

pub use crate::contract::{PUBLIC, RIGHTS};

use crate::support::contract::DOCUMENT;

/// The roles that belong to a tenant.
pub const TENANTS: [&str; 2] = ["agency", "sponsor"];

/// Whether this role may call this route.
pub fn may(role: &str, route: &str) -> bool {
    RIGHTS.iter().any(|(known, roles)| *known == route && roles.contains(&role))
}

/// The scope without which no token opens a route; none if no token does.
pub fn opened_by(route: &str) -> Option<&'static str> {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let below = |places: &[&str]| {
        places.iter().any(|place| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    match method {
        // Accounts, passwords, second factors, sessions, tokens, settings, the diagnosis: a program that could touch them could give
        // itself what it was not given.
        _ if below(&["/api/auth", "/api/doctor", "/api/mfa", "/api/settings", "/api/users"]) => None,
        "GET" if below(&["/api/audit"]) => Some("audit:read"),
        "GET" => Some("read"),
        _ if path == "/api/sites/{id}/command" => Some("commands:write"),
        _ if below(&["/api/sites", "/api/groups", "/api/alerts"]) => Some("sites:write"),
        _ if below(&["/api/videos", "/api/deployments"]) => Some("content:write"),
        _ => None,
    }
}

/// The scopes that tokens can have, as the server's own description names them.
pub fn scopes() -> Vec<String> {
    let names = DOCUMENT.pointer("/components/schemas/TokenScope/enum").and_then(|names| names.as_array());
    names.into_iter().flatten().map(|name| name.as_str().expect("a word").to_owned()).collect()
}

/// What a path names behind this part, by the table of its rows.
pub fn table_of(part: &str) -> &'static str {
    match part {
        "sites" => "sites",
        "groups" => "groups",
        "videos" => "videos",
        "uploads" => "video_uploads",
        "deployments" => "content_deployments",
        "command" => "remote_commands",
        "users" => "users",
        "agencies" => "agencies",
        "alerts" => "alerts",
        "clubs" => "sites",
        "sponsors" => "sponsors",
        "sessions" => "sessions",
        "tokens" => "api_tokens",
        other => panic!("say which rows stand behind /{other}/ in an address"),
    }
}

/// The same for the types of ids in queries.
pub fn table_of_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "SiteId" => "sites",
        "AlertId" => "alerts",
        "GroupId" => "groups",
        "VideoId" => "videos",
        "DeploymentId" => "content_deployments",
        "CommandId" => "remote_commands",
        "UserId" => "users",
        "AgencyId" => "agencies",
        "SponsorId" => "sponsors",
        "SessionId" => "sessions",
        "TokenId" => "api_tokens",
        _ => return None,
    })
}

/// What tenants may read and what says nothing of whose it is; each is looked at in another way.
pub const SAYS_NO_NAME: &[(&str, &str)] = &[
    ("GET /api/sites/stats", "counts alone, which are compared"),
    ("GET /api/sites/{id}/availability", "minutes alone, of a site that was asked for"),
    ("GET /api/events", "its greeting; what it tells is read as it comes"),
    ("GET /api/mfa/status", "flags of the caller's own account"),
    ("GET /api/auth/notifications", "the same"),
];

/// What boxes say, and what it changes of their own site.
pub const EVENTS: [&str; 6] =
    ["authenticate", "heartbeat", "sync_local_state", "deploy_progress", "command_result", "reported"];

/// Routes beside the API, as the router names them, and who may use them.
pub const BESIDE: [(&str, &str); 2] = [
    ("\"/socket.io/\"", "anybody may knock; only a box that shows the key of its site is heard"),
    ("storage::serve::PATH", "anybody who knows the name of an object may read it; nothing lists them"),
];
