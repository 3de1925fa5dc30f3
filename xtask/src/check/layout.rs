//! What may stand only in certain places of the central server and of the box.

use super::files::Tree;
use super::finding::Finding;
use super::source::Source;

/// The folder of the central server's files; places are paths from there.
pub const SOURCES: &str = "central-server/src/";
/// And that of the box's.
const BOX: &str = "box/src/";

/// One rule: what is looked for, where alone it may stand, and why.
struct Rule {
    seeks: Seeks,
    /// `a/` is a folder, `*/a.rs` a file in any folder, `a.rs` exactly that file.
    only_in: &'static [&'static str],
    why: &'static str,
}

enum Seeks {
    /// Paths that contain these names in this order; the last may end in `*`. What stands behind `but` is harmless.
    Path { any_of: &'static [&'static str], but: &'static [&'static str] },
    /// Pieces of code.
    Code(&'static [&'static str]),
    /// String literals that are SQL.
    Sql,
}

/// Where tasks are started that outlive a request: each is a supervisor that knows how its tasks end.
const SUPERVISORS: [&str; 6] = ["app.rs", "serve.rs", "db/", "jobs/", "health/", "live/"];

const RULES: [Rule; 6] = [
    Rule {
        seeks: Seeks::Sql,
        only_in: &["*/store.rs", "db/", "migrations/"],
        why: "SQL stands in store.rs, db/ and migrations only: whoever changes a table finds every statement there",
    },
    Rule {
        seeks: Seeks::Path { any_of: &["StatusCode::*"], but: &SUCCESS },
        // The description's reader asks which status a foreign answer has.
        only_in: &["error.rs", "health/", "http/openapi.rs"],
        why: "error statuses are chosen in error.rs and health/ only: the rest says what went wrong",
    },
    ENVIRONMENT,
    CLOCK,
    spawning(&SUPERVISORS),
    Rule {
        seeks: Seeks::Code(&[".route(", ".route_service(", "Router::route("]),
        only_in: &["app.rs"],
        why: "routes are added through OpenApiRouter, plain ones in app.rs only: every route has its description",
    },
];

/// Where the box starts tasks that outlive what started them.
const BOX_SUPERVISORS: [&str; 4] = ["run.rs", "files/", "player/", "web/"];

const BOX_RULES: [Rule; 4] = [
    Rule {
        seeks: Seeks::Sql,
        only_in: &["state/"],
        why: "SQL stands in state/ only: whoever changes a table finds every statement there",
    },
    ENVIRONMENT,
    CLOCK,
    spawning(&BOX_SUPERVISORS),
];

const ENVIRONMENT: Rule = Rule {
    seeks: Seeks::Path { any_of: &["env::var*", "dotenvy::*"], but: &[] },
    only_in: &["config.rs", "config/"],
    why: "the environment is read in config only, so that every variable is documented and checked at the start",
};

const CLOCK: Rule = Rule {
    seeks: Seeks::Path {
        any_of: &["SystemTime::now", "Timestamp::now", "Utc::now", "Local::now", "Zoned::now"],
        but: &[],
    },
    only_in: &["clock.rs"],
    why: "the wall clock is read in clock.rs only, so that a test can set the time",
};

const fn spawning(supervisors: &'static [&'static str]) -> Rule {
    Rule {
        seeks: Seeks::Path { any_of: &["tokio::spawn", "task::spawn"], but: &[] },
        only_in: supervisors,
        why: "tasks are started by supervisors only (the table in xtask): nobody notices the end of any other",
    }
}

/// What a handler may say of a status by itself, and what asks a status instead of choosing one.
const SUCCESS: [&str; 15] = [
    "OK",
    "CREATED",
    "ACCEPTED",
    "NO_CONTENT",
    "MULTI_STATUS",
    "PARTIAL_CONTENT",
    "SWITCHING_PROTOCOLS",
    "MOVED_PERMANENTLY",
    "FOUND",
    "SEE_OTHER",
    "NOT_MODIFIED",
    "TEMPORARY_REDIRECT",
    "PERMANENT_REDIRECT",
    "as_u16",
    "is_success",
];

/// Every place that breaks a rule, tests excepted.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (sources, rules) in [(SOURCES, &RULES[..]), (BOX, &BOX_RULES[..])] {
        for (path, source) in tree.rust_below(sources) {
            for rule in rules.iter().filter(|rule| !rule.only_in.iter().any(|place| is_at(path, place))) {
                let lines = rule.seeks.lines(source).into_iter().filter(|line| !source.is_test(*line));
                findings.extend(lines.map(|line| Finding::new(&format!("{sources}{path}"), line, rule.why)));
            }
        }
    }
    findings
}

/// Whether a path is at a place of a rule.
fn is_at(path: &str, place: &str) -> bool {
    match place.strip_prefix('*') {
        Some(name) => path.ends_with(name),
        None if place.ends_with('/') => path.starts_with(place),
        None => path == place,
    }
}

impl Seeks {
    fn lines(&self, source: &Source) -> Vec<usize> {
        match self {
            Self::Path { any_of, but } => {
                let breaks = |names: &[String]| any_of.iter().any(|pattern| contains(names, pattern, but));
                source.paths.iter().filter(|(_, names)| breaks(names)).map(|(line, _)| *line).collect()
            }
            Self::Code(pieces) => pieces.iter().flat_map(|piece| source.lines_with(piece)).collect(),
            Self::Sql => source.strings.iter().filter(|(_, text)| is_sql(text)).map(|(line, _)| *line).collect(),
        }
    }
}

fn contains(names: &[String], pattern: &str, but: &[&str]) -> bool {
    let wanted: Vec<&str> = pattern.split("::").collect();
    names.windows(wanted.len()).any(|window| {
        window.iter().zip(&wanted).all(|(name, wanted)| match wanted.strip_suffix('*') {
            Some(start) => name.starts_with(start) && !but.contains(&name.as_str()),
            None => name == wanted,
        })
    })
}

/// How statements begin, and how they go on: a sentence may begin with "update" too.
const STATEMENTS: [(&str, GoesOn); 14] = [
    ("select", GoesOn::Anyhow),
    ("truncate", GoesOn::Anyhow),
    ("insert", GoesOn::AtOnce(&["into"])),
    ("merge", GoesOn::AtOnce(&["into"])),
    ("delete", GoesOn::AtOnce(&["from"])),
    ("set", GoesOn::AtOnce(&["local", "role", "session"])),
    ("lock", GoesOn::AtOnce(&["table"])),
    ("begin", GoesOn::AtOnce(&["isolation", "read", "transaction", "set"])),
    ("create", GoesOn::AtOnce(&DEFINED)),
    ("alter", GoesOn::AtOnce(&DEFINED)),
    ("drop", GoesOn::AtOnce(&DEFINED)),
    ("update", GoesOn::Later("set")),
    ("grant", GoesOn::Later("to")),
    ("with", GoesOn::Later("as")),
];

enum GoesOn {
    Anyhow,
    AtOnce(&'static [&'static str]),
    Later(&'static str),
}

/// What `create`, `alter` and `drop` are about, or a word before it.
const DEFINED: [&str; 18] = [
    "table",
    "index",
    "view",
    "role",
    "policy",
    "function",
    "schema",
    "extension",
    "trigger",
    "type",
    "database",
    "sequence",
    "domain",
    "or",
    "unique",
    "temporary",
    "materialized",
    "default",
];

/// Whether a literal is SQL. Its first word is in small or in capital letters, as sentences do not begin.
fn is_sql(text: &str) -> bool {
    let mut words = text.trim_start().split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let Some(verb) = words.next().filter(|_| text.trim_end().contains(char::is_whitespace)) else { return false };
    if verb.chars().any(|char| char.is_ascii_uppercase()) && verb.chars().any(|char| char.is_ascii_lowercase()) {
        return false;
    }
    let mut words = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase);
    STATEMENTS.iter().find(|(start, _)| verb.eq_ignore_ascii_case(start)).is_some_and(|(_, goes_on)| match goes_on {
        GoesOn::Anyhow => true,
        GoesOn::AtOnce(expected) => words.next().is_some_and(|word| expected.contains(&word.as_str())),
        GoesOn::Later(expected) => words.any(|word| word == *expected),
    })
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    /// The lines of a file of the central server that break a rule.
    fn found(path: &str, text: &str) -> Vec<String> {
        found_in(SOURCES, path, text)
    }

    fn found_in(sources: &str, path: &str, text: &str) -> Vec<String> {
        let path = format!("{sources}{path}");
        let lines = places(&check(&tree(&[(&path, text)])));
        lines.iter().map(|place| place.replace(&format!("{path}:"), "")).collect()
    }

    #[test]
    fn sql_stands_in_stores() {
        let text = "f();\nquery(\"select id from sites\");\nquery(r\"\n  INSERT INTO a\");";
        assert_eq!(found("sites/routes.rs", text), ["2", "3"]);
        for home in ["sites/store.rs", "auth/store.rs", "db/pool.rs", "sites/tests.rs", "config/tests/url.rs"] {
            assert!(found(home, text).is_empty(), "{home}");
        }
        for statement in [
            "update sites set a = 1",
            "delete from sites",
            "with a as (select 1) delete from b",
            "create table a ()",
            "create or replace function a()",
            "ALTER TABLE a",
            "set local role a",
            "begin; set local role a",
            "grant a to b",
        ] {
            assert_eq!(found("app.rs", &format!("f(\"{statement}\")")), ["1"], "{statement}");
        }
        for sentence in [
            "Select a site.",
            "select",
            "delete a site for good",
            "with a password",
            "create a user",
            "selected sites",
            "set a time",
            "update",
        ] {
            assert!(found("app.rs", &format!("f(\"{sentence}\")")).is_empty(), "{sentence}");
        }
        assert!(found("app.rs", "// select 1\n/// `select 1`").is_empty());
    }

    #[test]
    fn error_statuses_are_chosen_in_one_place() {
        let text =
            "use axum::http::StatusCode;\nStatusCode::NOT_FOUND;\nStatusCode::CREATED;\nStatusCode::from_u16(404);";
        assert_eq!(found("sites/routes.rs", text), ["2", "4"]);
        assert_eq!(found("sites/error.rs", text), ["2", "4"]);
        for file in ["http/layers.rs", "http/extract.rs"] {
            assert_eq!(found(file, text), ["2", "4"], "{file}");
            assert!(found(file, "StatusCode::NO_CONTENT.into_response()").is_empty(), "{file}");
        }
        for home in ["error.rs", "health/routes.rs"] {
            assert!(found(home, text).is_empty(), "{home}");
        }
    }

    #[test]
    fn the_environment_is_read_in_config() {
        let text =
            "std::env::var(\"A\");\nuse std::env::{self, var_os};\nstd::env::args();\nenv!(\"B\");\ndotenvy::dotenv();";
        assert_eq!(found("main.rs", text), ["1", "2", "5"]);
        assert!(found("config.rs", text).is_empty());
        assert!(found("config/mod.rs", text).is_empty());
    }

    #[test]
    fn the_wall_clock_is_read_in_clock() {
        let text =
            "Instant::now();\nSystemTime::now();\njiff::Timestamp::now();\nUtc::now();\nZoned::now();\nclock.now();";
        assert_eq!(found("sites/mod.rs", text), ["2", "3", "4", "5"]);
        assert!(found("clock.rs", text).is_empty());
        assert!(found("sites/mod.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}\n}}")).is_empty());
    }

    #[test]
    fn tasks_are_started_by_supervisors() {
        let text = "tokio::spawn(a());\nuse tokio::{spawn};\ntokio::task::spawn(b());\ntokio::task::spawn_blocking(c);";
        assert_eq!(found("sites/routes.rs", text), ["1", "2", "3"]);
        for home in ["app.rs", "serve.rs", "db/pool.rs", "jobs/mod.rs", "health/mod.rs", "live/v1.rs"] {
            assert!(found(home, text).is_empty(), "{home}");
        }
    }

    #[test]
    fn plain_routes_are_added_in_app() {
        let text = "router\n    .route(\"/a\", get(a))\n    .routes(routes!(b));";
        assert_eq!(found("sites/routes.rs", text), ["2"]);
        assert!(found("app.rs", text).is_empty());
    }

    #[test]
    fn the_box_has_rules_of_its_own() {
        let text = "f(\"select 1 from a\");\nstd::env::var(\"A\");\nSystemTime::now();\ntokio::spawn(a());\n\
            StatusCode::NOT_FOUND;";
        assert_eq!(found_in(BOX, "agent/mod.rs", text), ["1", "2", "3", "4"]);
        for (home, its_own) in
            [("state/store.rs", "1"), ("config/mod.rs", "2"), ("clock.rs", "3"), ("run.rs", "4"), ("web/mod.rs", "4")]
        {
            assert!(!found_in(BOX, home, text).contains(&its_own.to_owned()), "{home}");
        }
    }
}
