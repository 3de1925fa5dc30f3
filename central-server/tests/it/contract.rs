//! The API's description cannot lie: it is made from the routes, and the routes are held against it.

use axum::http::Method;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::contract::{DOCUMENT, operations};

/// Routes that anybody may call.
pub const PUBLIC: &[&str] = &[
    "GET /",
    "GET /health",
    "GET /api/health",
    "GET /live",
    "GET /ready",
    "GET /metrics",
    "POST /api/auth/login",
    "POST /api/auth/login/code",
    "POST /api/auth/login/setup",
    "POST /api/auth/login/enable",
    "POST /api/auth/logout",
    "POST /api/auth/refresh",
    "POST /api/auth/forgot-password",
    "GET /api/auth/verify-reset-token",
    "POST /api/auth/reset-password",
    "GET /api/auth/setup",
    "POST /api/auth/setup",
];

#[tokio::test]
async fn every_route_that_is_not_public_asks_for_a_session_first() {
    let app = TestApp::new().await;
    for (path, method, operation) in operations() {
        let route = format!("{method} {path}");
        let open = PUBLIC.contains(&route.as_str());
        assert_eq!(open, operation.get("security").is_none(), "{route} says whether it needs a session");
        if open {
            continue;
        }
        let path = fill(&path);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        for call in [
            app.call(method.clone(), &path),
            app.call(method.clone(), &path).bearer("not.a.token"),
            app.call(method.clone(), &path).header("authorization", "Basic YTpi"),
            app.call(method.clone(), &path).header("cookie", "neopro_token=%00"),
        ] {
            assert_eq!(call.send().await.status, 401, "{route}");
        }
    }
}

/// A path with an id of nothing.
pub fn fill(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "01a2140d-1e46-777d-ae1d-fcbbe9c1485a" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

/// Who may do what, route by route, as the table of `docs/rights.md` means it: the two are held against each other. Every
/// route that is not public must stand here.
pub const RIGHTS: &[(&str, &[&str])] = &[
    ("GET /api/audit", &["super_admin", "admin"]),
    ("GET /api/audit/actions", &["super_admin", "admin"]),
    ("GET /api/audit/export", &["super_admin", "admin"]),
    ("GET /api/audit/seals", &["super_admin", "admin"]),
    ("GET /api/alerts", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("POST /api/alerts/{id}/acknowledge", &["super_admin", "admin", "operator"]),
    ("POST /api/alerts/{id}/resolve", &["super_admin", "admin"]),
    ("GET /api/analytics/clubs/{site_id}/alerts", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("GET /api/settings/alerts", &["super_admin", "admin"]),
    ("PUT /api/settings/alerts", &["super_admin"]),
    ("GET /api/auth/notifications", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("PUT /api/auth/notifications", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/auth/me", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("PATCH /api/auth/me", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/mfa/status", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/mfa/setup", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/mfa/replace", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/mfa/enable", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/mfa/disable", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/mfa/backup-codes/regenerate", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/users/{id}/reset-mfa", &["super_admin"]),
    ("GET /api/settings/security", &["super_admin", "admin"]),
    ("PUT /api/settings/security", &["super_admin"]),
    ("GET /api/settings/retention", &["super_admin", "admin"]),
    ("PUT /api/settings/retention", &["super_admin"]),
    ("GET /api/auth/sessions", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("DELETE /api/auth/sessions", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("DELETE /api/auth/sessions/{id}", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/auth/tokens", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("POST /api/auth/tokens", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("DELETE /api/auth/tokens/{id}", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/limits", &["super_admin", "admin"]),
    ("GET /api/health/details", &["super_admin", "admin"]),
    ("GET /api/doctor", &["super_admin"]),
    ("POST /api/doctor/send", &["super_admin"]),
    ("POST /api/auth/change-password", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("PUT /api/auth/language", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/deployments", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/deployments/scheduled", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/deployments/summary", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/deployments/{id}", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/deployments/{id}/causes", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/deployments/{id}/targets", &["super_admin", "admin", "operator", "viewer"]),
    ("POST /api/deployments", &["super_admin", "admin", "operator"]),
    ("POST /api/deployments/preview", &["super_admin", "admin", "operator"]),
    ("PUT /api/deployments/{id}", &["super_admin", "admin", "operator"]),
    ("DELETE /api/deployments/{id}", &["super_admin", "admin"]),
    ("POST /api/deployments/{id}/cancel", &["super_admin", "admin", "operator"]),
    ("POST /api/deployments/{id}/retry", &["super_admin", "admin", "operator"]),
    ("GET /api/videos/{id}/deployments", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/sites/{id}/deployments", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/sites/{id}/inventory", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/sites/{id}/local-content", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/events", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/groups", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("GET /api/groups/{id}", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("GET /api/groups/{id}/sites", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("POST /api/groups", &["super_admin", "admin", "operator"]),
    ("PUT /api/groups/{id}", &["super_admin", "admin", "operator"]),
    ("DELETE /api/groups/{id}", &["super_admin", "admin"]),
    ("POST /api/groups/{id}/sites", &["super_admin", "admin", "operator"]),
    ("DELETE /api/groups/{id}/sites/{site_id}", &["super_admin", "admin", "operator"]),
    ("GET /api/sites", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/sites/stats", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/sites/facets", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/sites/connection-status", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/sites/{id}/connection-status", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("GET /api/sites/{id}/availability", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("GET /api/sites/{id}", &["super_admin", "admin", "operator", "viewer", "agency", "sponsor"]),
    ("GET /api/sites/{id}/metrics", &["super_admin", "admin", "operator", "viewer", "agency"]),
    ("POST /api/sites", &["super_admin", "admin", "operator"]),
    ("POST /api/sites/{id}/command", &["super_admin", "admin", "operator"]),
    ("GET /api/sites/{id}/command/{command_id}", &["super_admin", "admin", "operator", "viewer"]),
    ("PUT /api/sites/{id}", &["super_admin", "admin", "operator"]),
    ("DELETE /api/sites/{id}", &["super_admin", "admin"]),
    ("POST /api/sites/{id}/regenerate-key", &["super_admin", "admin"]),
    ("GET /api/videos", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/videos/{id}", &["super_admin", "admin", "operator", "viewer"]),
    ("GET /api/videos/{id}/sites", &["super_admin", "admin", "operator", "viewer"]),
    ("PUT /api/videos/{id}/thumbnail", &["super_admin", "admin", "operator"]),
    ("POST /api/videos", &["super_admin", "admin", "operator"]),
    ("POST /api/videos/bulk", &["super_admin", "admin", "operator"]),
    ("POST /api/videos/uploads", &["super_admin", "admin", "operator"]),
    ("POST /api/videos/uploads/{id}/done", &["super_admin", "admin", "operator"]),
    ("GET /api/storage", &["super_admin", "admin", "operator", "viewer"]),
    ("PUT /api/videos/{id}", &["super_admin", "admin", "operator"]),
    ("DELETE /api/videos/{id}", &["super_admin", "admin"]),
    ("GET /api/users", &["super_admin", "admin"]),
    ("GET /api/users/tenants", &["super_admin", "admin"]),
    ("GET /api/users/{id}", &["super_admin", "admin"]),
    ("POST /api/users", &["super_admin"]),
    ("PUT /api/users/{id}", &["super_admin"]),
    ("DELETE /api/users/{id}", &["super_admin"]),
    ("PATCH /api/users/{id}/status", &["super_admin"]),
    ("POST /api/users/{id}/reset-password", &["super_admin"]),
    ("POST /api/users/{id}/invite", &["super_admin"]),
    ("GET /api/agencies", &["super_admin", "admin", "agency"]),
    ("GET /api/agencies/{id}", &["super_admin", "admin", "agency"]),
    ("POST /api/agencies", &["super_admin", "admin"]),
    ("PUT /api/agencies/{id}", &["super_admin", "admin"]),
    ("DELETE /api/agencies/{id}", &["super_admin", "admin"]),
    ("GET /api/agencies/{id}/sites", &["super_admin", "admin", "agency"]),
    ("POST /api/agencies/{id}/sites", &["super_admin", "admin"]),
    ("DELETE /api/agencies/{id}/sites/{site_id}", &["super_admin", "admin"]),
];

/// The roles, in the order of the columns of `docs/rights.md`.
const ROLES: [&str; 6] = ["super_admin", "admin", "operator", "viewer", "agency", "sponsor"];

/// The table of `docs/rights.md`: a path, and for each role what it may do below it.
fn table() -> Vec<(String, Vec<String>)> {
    let text = include_str!("../../../docs/rights.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows[0][2..], ROLES, "the columns");
    rows[2..]
        .iter()
        .map(|row| (row[1].trim_matches('`').to_owned(), row[2..].iter().map(|cell| (*cell).to_owned()).collect()))
        .collect()
}

/// The roles that may do what a route does, by the row of its resource.
fn allowed_by(table: &[(String, Vec<String>)], route: &str) -> Option<Vec<&'static str>> {
    let (method, path) = route.split_once(' ')?;
    let is_below = |begin: &str| path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (_, cells) = table.iter().filter(|(begin, _)| is_below(begin)).max_by_key(|(begin, _)| begin.len())?;
    let act = match method {
        "GET" => 'R',
        "DELETE" => 'D',
        _ => 'W',
    };
    let allowed = ROLES.into_iter().zip(cells).filter(|(_, cell)| cell.contains(act)).map(|(role, _)| role);
    Some(allowed.collect())
}

#[test]
fn the_table_of_rights_and_its_routes_say_the_same() {
    let table = table();
    assert!(table.len() > 15, "the table was read");
    for (route, roles) in RIGHTS {
        let mut listed: Vec<&str> = roles.to_vec();
        listed.sort_by_key(|role| ROLES.iter().position(|known| known == role));
        assert_eq!(allowed_by(&table, route).as_deref(), Some(&listed[..]), "{route} in docs/rights.md");
    }
    for (path, cells) in &table {
        for cell in cells {
            let letters = cell.trim_start_matches("own ");
            assert!(matches!(letters, "–" | "R" | "W" | "RW" | "RWD"), "{path}: {cell}");
        }
    }
    // The control: another role, another act, and a resource that nobody has thought of.
    assert_ne!(allowed_by(&table, "DELETE /api/groups/{id}"), allowed_by(&table, "POST /api/groups"));
    assert_eq!(allowed_by(&table, "GET /api/secrets"), None);
    assert_eq!(allowed_by(&table, "POST /api/users/{id}/reset-mfa"), Some(vec!["super_admin"]));
}

#[tokio::test]
async fn every_route_lets_in_exactly_the_roles_of_the_table() {
    let app = TestApp::new().await;
    let mut tokens = Vec::new();
    for role in ["super_admin", "admin", "operator", "viewer"] {
        tokens.push((role, app.token(role).await));
    }
    tokens.push(("agency", crate::walls::tenant(&app, "agency").await.token));
    tokens.push(("sponsor", crate::walls::tenant(&app, "sponsor").await.token));

    for (path, method, operation) in operations() {
        if operation.get("security").is_none() {
            continue;
        }
        let route = format!("{method} {path}");
        let (_, allowed) =
            RIGHTS.iter().find(|(known, _)| *known == route).unwrap_or_else(|| panic!("{route} has no row"));
        let path = fill(&path);
        for (role, token) in &tokens {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let status = app.call(method, &path).bearer(token).send().await.status;
            assert_eq!(status == 403, !allowed.contains(role), "{route} as {role}: {status}");
        }
    }
}

#[test]
fn every_operation_is_described_for_people() {
    let mut ids = std::collections::BTreeSet::new();
    for (path, method, operation) in operations() {
        let route = format!("{method} {path}");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(summary.len() > 10, "{route} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{route} has no tag");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route} has no name for programs"));
        assert!(ids.insert(id.to_owned()), "{route}: {id} is the name of another operation as well");
        if path.contains("{id}") {
            assert!(operation["parameters"].to_string().contains(r#""in":"path""#), "{route} hides its parameter");
        }
        if matches!(method.as_str(), "POST" | "PUT") && operation["responses"].get("415").is_none() {
            panic!("{route} takes a body without saying which");
        }
    }
}

/// Of two types of one name the document has only the last, in the places of both.
#[test]
fn no_two_types_of_the_document_share_a_name() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut names = std::collections::BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a text");
            for behind in text
                .split("#[derive(")
                .skip(1)
                .filter(|behind| behind.split_once(")]").is_some_and(|(derived, _)| derived.contains("ToSchema")))
            {
                let head = behind.split(['{', ';']).next().unwrap_or_default();
                let given = head.split_once("(as = ").and_then(|(_, name)| name.split([')', ',']).next());
                let own = ["struct ", "enum "].iter().find_map(|word| head.split_once(word)).map(|(_, name)| name);
                let name = given.or(own).expect("a name").split(['(', '<', ' ']).next().unwrap_or_default().to_owned();
                if name.starts_with('$') {
                    continue; // a macro, whose types have the names that it is given
                }
                let other = names.insert(name.clone(), path.clone());
                assert!(other.is_none(), "{name}: {path:?} and {other:?}; one of them is to be `#[schema(as = …)]`");
            }
        }
    }
    assert!(names.len() > 100, "{names:?}");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.push(target.clone());
                }
                fields.values().for_each(|inner| references(inner, found));
            }
            Value::Array(values) => values.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&DOCUMENT, &mut found);
    assert!(!found.is_empty());
    for target in found {
        let pointer = target.trim_start_matches('#');
        assert!(DOCUMENT.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

#[test]
#[should_panic(expected = "does not fit its schema")]
fn an_answer_with_an_undescribed_field_would_be_found() {
    // The control of the judge itself: closed schemas refuse what is not described.
    let schema = serde_json::json!({"$ref": "#/components/schemas/SiteWithKey"});
    let mut site = serde_json::json!({
        "id": "01a2140d-1e46-777d-ae1d-fcbbe9c1485a", "site_name": "a", "club_name": "b", "location": null,
        "sports": null, "hardware_model": "c", "status": "offline", "created_at": "2026-01-15T12:00:00.000Z",
        "updated_at": "2026-01-15T12:00:00.000Z", "api_key": "0".repeat(64), "api_key_warning": "w",
    });
    crate::support::contract::validate(&schema, &site, "a complete answer");
    site["password"] = "leaked".into();
    crate::support::contract::validate(&schema, &site, "an answer with a field too many");
}
