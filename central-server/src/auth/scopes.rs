//! What a token of the API opens: one row a route. What stands in no row, no token opens.
//!
//! A scope only takes away: within it a token may what the role of its person may, and no more. The test
//! `every_route_has_been_decided_about_for_tokens` asks for a row, or for a place below [`NEVER`], for each new route.

use axum::http::Method;

use crate::error::Error;

/// What a token may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
pub enum TokenScope {
    /// Reads what the person reads: sites, groups, videos, deployments, commands, live changes.
    #[serde(rename = "read")]
    Read,
    /// Creates, changes and deletes sites and groups, and renews the keys of boxes.
    #[serde(rename = "sites:write")]
    SitesWrite,
    /// Adds, changes and deletes videos and deployments.
    #[serde(rename = "content:write")]
    ContentWrite,
    /// Tells single boxes what to do.
    #[serde(rename = "commands:write")]
    CommandsWrite,
    /// Reads the journal.
    #[serde(rename = "audit:read")]
    AuditRead,
}

use TokenScope::{AuditRead, CommandsWrite, ContentWrite, Read, SitesWrite};

/// Which route which scope opens.
pub const OPENS: &[(&str, &str, TokenScope)] = &[
    ("GET", "/api/agencies", Read),
    ("GET", "/api/agencies/{id}", Read),
    ("GET", "/api/agencies/{id}/sites", Read),
    ("GET", "/api/alerts", Read),
    ("GET", "/api/analytics/clubs/{site_id}/alerts", Read),
    ("GET", "/api/deployments", Read),
    ("GET", "/api/deployments/scheduled", Read),
    ("GET", "/api/deployments/summary", Read),
    ("GET", "/api/deployments/{id}", Read),
    ("GET", "/api/deployments/{id}/causes", Read),
    ("GET", "/api/deployments/{id}/targets", Read),
    ("GET", "/api/events", Read),
    ("GET", "/api/groups", Read),
    ("GET", "/api/groups/{id}", Read),
    ("GET", "/api/groups/{id}/sites", Read),
    ("GET", "/api/health/details", Read),
    ("GET", "/api/limits", Read),
    ("GET", "/api/sites", Read),
    ("GET", "/api/sites/connection-status", Read),
    ("GET", "/api/sites/facets", Read),
    ("GET", "/api/sites/stats", Read),
    ("GET", "/api/sites/{id}", Read),
    ("GET", "/api/sites/{id}/availability", Read),
    ("GET", "/api/sites/{id}/command/{command_id}", Read),
    ("GET", "/api/sites/{id}/connection-status", Read),
    ("GET", "/api/sites/{id}/deployments", Read),
    ("GET", "/api/sites/{id}/inventory", Read),
    ("GET", "/api/sites/{id}/local-content", Read),
    ("GET", "/api/sites/{id}/metrics", Read),
    ("GET", "/api/storage", Read),
    ("GET", "/api/videos", Read),
    ("GET", "/api/videos/{id}", Read),
    ("GET", "/api/videos/{id}/deployments", Read),
    ("GET", "/api/videos/{id}/sites", Read),
    ("POST", "/api/groups", SitesWrite),
    ("PUT", "/api/groups/{id}", SitesWrite),
    ("DELETE", "/api/groups/{id}", SitesWrite),
    ("POST", "/api/groups/{id}/sites", SitesWrite),
    ("DELETE", "/api/groups/{id}/sites/{site_id}", SitesWrite),
    ("POST", "/api/alerts/{id}/acknowledge", SitesWrite),
    ("POST", "/api/alerts/{id}/resolve", SitesWrite),
    ("POST", "/api/sites", SitesWrite),
    ("PUT", "/api/sites/{id}", SitesWrite),
    ("DELETE", "/api/sites/{id}", SitesWrite),
    ("POST", "/api/sites/{id}/regenerate-key", SitesWrite),
    ("POST", "/api/deployments", ContentWrite),
    ("POST", "/api/deployments/preview", ContentWrite),
    ("PUT", "/api/deployments/{id}", ContentWrite),
    ("DELETE", "/api/deployments/{id}", ContentWrite),
    ("POST", "/api/deployments/{id}/cancel", ContentWrite),
    ("POST", "/api/deployments/{id}/retry", ContentWrite),
    ("POST", "/api/videos", ContentWrite),
    ("POST", "/api/videos/bulk", ContentWrite),
    ("POST", "/api/videos/uploads", ContentWrite),
    ("POST", "/api/videos/uploads/{id}/done", ContentWrite),
    ("PUT", "/api/videos/{id}", ContentWrite),
    ("DELETE", "/api/videos/{id}", ContentWrite),
    ("PUT", "/api/videos/{id}/thumbnail", ContentWrite),
    ("POST", "/api/sites/{id}/command", CommandsWrite),
    ("GET", "/api/audit", AuditRead),
    ("GET", "/api/audit/actions", AuditRead),
    ("GET", "/api/audit/export", AuditRead),
    ("GET", "/api/audit/seals", AuditRead),
];

/// What no token will ever open, at and below these addresses: accounts, passwords, second factors, sessions, tokens
/// settings and the diagnosis. A program that could touch them could give itself, or keep, what it was not given.
pub const NEVER: &[&str] = &["/api/auth", "/api/doctor", "/api/mfa", "/api/settings", "/api/users"];

/// What no token opens although others at the same address are open: who looks after which clubs is decided by people.
pub const NEVER_ACTS: &[&str] = &["/api/agencies"];

impl TokenScope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Read, SitesWrite, ContentWrite, CommandsWrite, AuditRead];

    /// The words that a form may send.
    pub const WORDS: &str = "read, sites:write, content:write, commands:write, audit:read";

    /// The word in the database, in requests and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Read => "read",
            SitesWrite => "sites:write",
            ContentWrite => "content:write",
            CommandsWrite => "commands:write",
            AuditRead => "audit:read",
        }
    }

    /// The scope of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == word)
    }

    /// The scope that opens a route, given by its pattern; none if no token does.
    #[must_use]
    pub fn that_opens(method: &Method, route: &str) -> Option<Self> {
        // What may be read may be asked for without its body.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        OPENS.iter().find(|(verb, path, _)| *verb == method.as_str() && *path == route).map(|(_, _, scope)| *scope)
    }

    /// What a token hears that does not have this scope.
    #[must_use]
    pub fn refusal(self) -> Error {
        Error::Forbidden(match self {
            Read => "Ce jeton d'API n'a pas la portée « read ».",
            SitesWrite => "Ce jeton d'API n'a pas la portée « sites:write ».",
            ContentWrite => "Ce jeton d'API n'a pas la portée « content:write ».",
            CommandsWrite => "Ce jeton d'API n'a pas la portée « commands:write ».",
            AuditRead => "Ce jeton d'API n'a pas la portée « audit:read ».",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_opened_by_one_scope_or_by_none() {
        assert_eq!(TokenScope::that_opens(&Method::GET, "/api/sites/{id}"), Some(Read));
        assert_eq!(TokenScope::that_opens(&Method::HEAD, "/api/sites/{id}"), Some(Read));
        assert_eq!(TokenScope::that_opens(&Method::PUT, "/api/sites/{id}"), Some(SitesWrite));
        for (method, route) in [
            (Method::PATCH, "/api/sites/{id}"),
            (Method::GET, "/api/sites/"),
            (Method::GET, "/api/sites/{site_id}"),
            (Method::GET, "/api/auth/me"),
            (Method::POST, "/api/auth/tokens"),
        ] {
            assert_eq!(TokenScope::that_opens(&method, route), None, "{method} {route}");
        }
        for (at, (method, path, _)) in OPENS.iter().enumerate() {
            assert!(
                OPENS[..at].iter().all(|(verb, other, _)| (verb, other) != (method, path)),
                "{method} {path} twice"
            );
            assert!(NEVER.iter().all(|closed| !path.starts_with(closed)), "{path} is closed for good");
        }
    }

    #[test]
    fn every_scope_has_a_word_of_its_own() {
        for scope in TokenScope::ALL {
            assert_eq!(TokenScope::named(scope.name()), Some(scope));
            assert_eq!(serde_json::to_value(scope).ok(), Some(scope.name().into()));
            assert!(TokenScope::WORDS.split(", ").any(|word| word == scope.name()));
        }
        for word in ["", "READ", "read ", "write", "sites", "*", "admin"] {
            assert_eq!(TokenScope::named(word), None, "{word}");
        }
    }
}
