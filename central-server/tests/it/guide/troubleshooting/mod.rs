//! The troubleshooting part of the guide: each of its entries is provoked, and what our edition says that one will see is
//! seen where it says so: in the log, in `doctor` run in that very environment, on the screen. The services have the guide's
//! own names (`cloud/`).

mod case;
mod promises;
mod table;
mod trouble;

use axum::http::Method;
use serde_json::json;

use crate::cloud::network::alone;
use crate::cloud::postgres::ENCODED_PASSWORD;
use crate::cloud::redis::TOKEN;
use crate::cloud::{DASHBOARD, PROJECT, REDIS, SERVER};
use crate::guide::document::Document;
use crate::support::http;
use case::Screen;
use table::TABLE;
use trouble::{EMAIL, Place, Trouble, WORD};

/// Brings everything about that the table has for a test, and then what has to work all the same.
fn provoke(test: &str, besides: impl AsyncFnOnce(&mut Trouble)) {
    let entry = TABLE.iter().find(|entry| entry.test == test).expect("a row of the table");
    alone(&format!("guide::troubleshooting::{test}"), async {
        let mut trouble = Trouble::begin(test).await;
        besides(&mut trouble).await;
        for case in entry.cases {
            trouble.provoke(case).await;
        }
        promises::keeps(&trouble, entry.heading);
    });
}

#[test]
fn a_server_that_does_not_start() {
    provoke("a_server_that_does_not_start", async |_| {});
}

#[test]
fn a_database_out_of_reach() {
    provoke("a_database_out_of_reach", async |trouble| {
        // The guide's own test, which nobody can run without a client that quits.
        let own = [("postgres.xxx:PASSWORD", &*format!("postgres.{PROJECT}:{ENCODED_PASSWORD}"))];
        assert!(trouble.own_test("Erreur de connexion", " -c 'select 1'", &own).contains('1'));
        // `?pgbouncer=true` may be missing.
        let without = [("DATABASE_URL", Some("postgresql://{user}:{password}@{pooler}:6543/postgres"))];
        let mut running = trouble.start("without", &without);
        running.server.ready().await;
        assert!(!running.log().contains("Erreur de connexion"));
        trouble.end(running).await;
    });
}

#[test]
fn an_origin_that_is_not_listed() {
    provoke("an_origin_that_is_not_listed", async |trouble| {
        let own = format!("https://{DASHBOARD}");
        trouble.dashboard(&format!("https://{SERVER}"));
        // The guide's symptom is in the browser's console; and what the guide says to do mends it, in its form, with a slash
        // all the same, and as the second of two.
        let said = "Access-Control-Allow-Origin";
        let second = format!("https://site1.com , {own}");
        for (name, origins, expect, is_refused) in [
            ("other", "https://monsite.com", "Le serveur refuse l’adresse de cette page", true),
            ("form", &own, "Se connecter", false),
            ("slash", &format!("{own}/"), "Se connecter", false),
            ("second", &second, "Se connecter", false),
        ] {
            let mut running = trouble.start(name, &[("ALLOWED_ORIGINS", Some(origins))]);
            running.server.ready().await;
            let told = trouble.page(&own, json!({}), &[expect.to_owned()]);
            assert_eq!(told["heard"].to_string().contains(said), is_refused, "{name}: {told}");
            trouble.end(running).await;
        }
    });
}

#[test]
fn a_redis_that_does_not_connect() {
    provoke("a_redis_that_does_not_connect", async |trouble| {
        let own = [("default:xxx@xxx.upstash.io", &*format!("default:{TOKEN}@{REDIS}"))];
        assert_eq!(trouble.own_test("Redis ne se connecte pas", "", &own).trim(), "PONG");
    });
}

#[test]
fn an_upload_that_fails() {
    provoke("an_upload_that_fails", async |_| {});
}

#[test]
fn mail_that_does_not_leave() {
    provoke("mail_that_does_not_leave", async |_| {});
}

#[test]
fn a_blank_page() {
    provoke("a_blank_page", async |trouble| {
        let mut running = trouble.start("right", &[]);
        running.server.ready().await;
        // With the right address it is the page of step 10.3, whose build tells what it was built for.
        trouble.screen(&Screen::Open(&["Se connecter"]));
        let health = trouble.walk.shell(&format!("curl --silent --fail https://{DASHBOARD}/health.json"));
        assert!(health.contains(&format!("https://{SERVER}")), "{health}");
        trouble.end(running).await;
    });
}

/// The control: where nothing is wrong, nothing of all this is shown anywhere.
#[test]
fn a_healthy_installation_shows_none_of_it() {
    alone("guide::troubleshooting::a_healthy_installation_shows_none_of_it", async {
        let mut trouble = Trouble::begin("healthy").await;
        let mut running = trouble.start("right", &[]);
        running.server.ready().await;
        trouble.administrator();
        trouble.screen(&Screen::Open(&["Se connecter"]));
        trouble.screen(&Screen::Diagnosis(&["Redis"]));
        let login = json!({"email": EMAIL, "password": WORD});
        let answer = http::send(running.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        assert_eq!(answer.expect("an answer").status, 200, "it is the same installation, and works");
        let (code, report, _) = trouble.doctor(&[]);
        assert_eq!((code, &report["errors"]), (0, &json!(0)), "{report:#}");
        trouble.end(running).await;
        for case in TABLE.iter().flat_map(|entry| entry.cases) {
            for promise in case.doctor.iter().map(|promise| trouble.own(*promise)) {
                assert!(promise.kept(&report).is_none(), "{}: {promise:?} in {report:#}", case.cause);
            }
            for words in case.log.iter().map(|words| trouble.filled(words)).filter(|words| !words.starts_with("étape"))
            {
                let is_an_address = words.starts_with("https://") || words.contains("pooler.supabase.com");
                assert!(is_an_address || !trouble.has_seen(Place::Log, &words), "{}: {words:?}", case.cause);
            }
        }
        promises::shows_none(&trouble);
    });
}

#[test]
fn every_entry_of_the_guide_is_provoked() {
    let guide = Document::original();
    let (_, part) = guide.text.split_once("\n## Dépannage\n").expect("the part");
    let (part, _) = part.split_once("\n## ").expect("its end");
    let headings: Vec<&str> = part.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(TABLE.iter().map(|entry| entry.heading).collect::<Vec<_>>(), headings);
    for entry in &TABLE {
        let test = format!("#[test]\nfn {name}() {{\n    provoke(\"{name}\", ", name = entry.test);
        assert!(include_str!("mod.rs").contains(&test), "{test}");
        assert!(entry.cases.iter().any(|case| !case.doctor.is_empty()), "{}: the diagnosis", entry.heading);
    }
}
